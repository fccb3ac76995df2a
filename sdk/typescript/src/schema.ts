/** Schemas: what clients see of them, and what they let pass. */

import { checks, sync, type Maybe } from "spin-mcp/engine";
import type { Json } from "./run.ts";

/** A schema of Zod, Valibot, ArkType and others that can give its JSON Schema. */
export interface StandardSchema<Output = any> {
  readonly "~standard": {
    readonly version: 1;
    readonly vendor: string;
    readonly validate: (value: unknown) => any;
    readonly types?: { readonly input: any; readonly output: Output } | undefined;
  };
}
/** JSON Schema of an object. */
export interface JsonSchema {
  readonly type: "object";
  readonly properties?: Readonly<Record<string, any>>;
  readonly [keyword: string]: any;
}
/** Fields by name, as version 1 of the official SDK had them. */
export type Shape = { readonly [field: string]: StandardSchema };
export type Schema = StandardSchema | JsonSchema | Shape;

type Parsed<S> = S extends { readonly "~standard": { readonly types?: { readonly output: infer Output } | undefined } }
  ? Output
  : any;
/** What a schema gives. */
export type Given<S> = S extends StandardSchema
  ? Parsed<S>
  : S extends JsonSchema
    ? any
    : S extends Shape
      ? { [Field in keyof S]: Parsed<S[Field]> }
      : any;

type Issue = { path?: readonly Json[]; message: string; code?: string; input?: unknown; keys?: string[] };
type Outcome = { value?: Json; issues?: readonly Issue[] | undefined };

const isStandard = (schema: Json): schema is StandardSchema => schema?.["~standard"] !== undefined;
/** Zod's schemas have a `type`, too. */
const isJson = (schema: Json): schema is JsonSchema => !isStandard(schema) && typeof (schema as Json)?.type === "string";

/** The schemas of the fields, where they can be told apart. */
export function fields(schema: Schema | undefined): Record<string, Json> {
  if (schema === undefined || isJson(schema)) return {};
  return ((isStandard(schema) ? (schema as Json).shape : schema) ?? {}) as Record<string, Json>;
}

export function jsonSchema(schema: Schema | undefined, io: "input" | "output"): Json {
  if (schema === undefined) return { type: "object", properties: {} };
  if (isJson(schema)) return schema;
  if (isStandard(schema)) {
    const convert = (schema["~standard"] as Json).jsonSchema;
    if (!convert) {
      throw new Error(
        `a schema of \`${schema["~standard"].vendor}\` gives no JSON Schema here; use Zod 4.2 or later, or write JSON Schema`,
      );
    }
    const { $schema: _, ...json } = convert[io]({ target: "draft-2020-12" });
    return json;
  }
  const properties = Object.entries(schema).map(([name, field]) => [name, jsonSchema(field, io)]);
  const required = Object.keys(schema).filter((name) => (schema[name] as Json)._zod?.optin !== "optional");
  return { type: "object", properties: Object.fromEntries(properties), required };
}

/** Formats that the engine could not check. */
export function unchecked(schema: Json): string | undefined {
  if (schema === null || typeof schema !== "object") return undefined;
  if (!checks(schema.format)) return schema.format;
  for (const part of Object.values(schema)) {
    const found = unchecked(part);
    if (found !== undefined) return found;
  }
  return undefined;
}

/** What was given, as the schema has it; otherwise all that is wrong. */
export function parse(schema: Schema | undefined, given: Json, what: string): Maybe<Json> {
  if (schema === undefined) return given;
  const checked = validated(schema, given);
  const settle = ({ value, issues }: Outcome) => {
    if (!issues || issues.length === 0) return value;
    const wrong = issues.flatMap(({ path = [], message, code, keys }) =>
      code === "unrecognized_keys" && keys ? keys.map((key) => at([...path, key], "unknown")) : at(path, message),
    );
    throw new Error(`invalid ${what}: ${wrong.join("; ")}`);
  };
  if (!sync && typeof (checked as Json)?.then === "function") return (checked as Json).then(settle);
  return settle(checked as Outcome);
}

function validated(schema: Schema, given: Json): Maybe<Outcome> {
  if (isJson(schema)) return { value: given, issues: mismatches(schema, given, schema) };
  if (isStandard(schema)) {
    // Zod says more with its own function.
    const { safeParse } = schema as Json;
    if (!safeParse || schema["~standard"].vendor !== "zod") return schema["~standard"].validate(given);
    try {
      const parsed = safeParse.call(schema, given, { error: missing });
      return parsed.success ? { value: parsed.data } : { issues: parsed.error.issues };
    } catch (why) {
      if (sync) throw why;
      // A schema with async checks.
      return schema["~standard"].validate(given);
    }
  }
  const parts = Object.entries(schema).map(([name, field]): [string, Maybe<Outcome>] => [
    name,
    validated(field, given?.[name]),
  ]);
  const join = (parts: [string, Outcome][]): Outcome => {
    const issues = parts.flatMap(([name, part]) =>
      (part.issues ?? []).map((issue) => ({ ...issue, path: [name, ...(issue.path ?? [])] })),
    );
    const values = parts.filter(([, part]) => part.value !== undefined);
    return { value: Object.fromEntries(values.map(([name, part]) => [name, part.value])), issues };
  };
  if (sync) return join(parts as [string, Outcome][]);
  const waited: Json = Promise.all(parts.map(async ([name, part]): Promise<[string, Outcome]> => [name, await part]));
  return waited.then(join);
}

const missing = (issue: Issue) => (issue.input === undefined ? "missing" : undefined);

function at(path: readonly Json[], message: string): string {
  const names = path.map((part) => String(part?.key ?? part));
  return names.length > 0 ? `${names.join(".")}: ${message}` : message;
}

const KINDS: Record<string, (value: Json) => boolean> = {
  null: (value) => value === null,
  boolean: (value) => typeof value === "boolean",
  string: (value) => typeof value === "string",
  number: (value) => typeof value === "number",
  integer: (value) => Number.isInteger(value),
  array: Array.isArray,
  object: (value) => value !== null && typeof value === "object" && !Array.isArray(value),
};

/** What `$ref` stands for. */
function resolved(schema: Json, root: Json): Json {
  if (typeof schema?.$ref !== "string") return schema;
  const steps = schema.$ref.split("/").slice(1).map((step: string) => step.replaceAll("~1", "/").replaceAll("~0", "~"));
  const target = steps.reduce((at: Json, step: string) => at?.[step], root);
  if (target === undefined) throw new Error(`\`${schema.$ref}\` is not in the schema`);
  return resolved(target, root);
}

/** Arguments as clients and models write them: `null` for what may be absent, text of JSON for an array or object. */
export function mended(schema: Json, value: Json, root: Json = schema): Json {
  const { type, items, properties = {}, required = [], additionalProperties } = resolved(schema, root) ?? {};
  if (typeof value === "string" && (type === "object" || type === "array")) {
    try {
      const found = JSON.parse(value);
      if (KINDS[type]!(found)) value = found;
    } catch {
      // It is told what is wrong with the text.
    }
  }
  if (Array.isArray(value)) return value.map((item) => mended(items, item, root));
  if (!KINDS.object!(value)) return value;
  const absent = (name: string, member: Json) =>
    member === null && Object.hasOwn(properties, name) && !required.includes(name) && mismatches(properties[name], null, root).length > 0;
  const members = Object.entries<Json>(value).filter(([name, member]) => !absent(name, member));
  const known = (name: string) => (Object.hasOwn(properties, name) ? properties[name] : additionalProperties);
  return Object.fromEntries(members.map(([name, member]) => [name, mended(known(name), member, root)]));
}

/** Where a value does not fit a JSON Schema: the keywords that schemas of tools have. */
export function mismatches(schema: Json, value: Json, root: Json = schema, path: Json[] = []): Issue[] {
  if (schema === true || schema === undefined) return [];
  if (schema === false) return [{ path, message: "not allowed" }];
  const wrong = (message: string): Issue[] => [{ path, message }];
  if (typeof schema.$ref === "string") return mismatches(resolved(schema, root), value, root, path);
  const kinds = schema.type === undefined ? [] : [schema.type].flat();
  if (kinds.length > 0 && !kinds.some((kind: string) => KINDS[kind]?.(value))) {
    return wrong(`expected ${kinds.join(" or ")}`);
  }
  const found: Issue[] = [];
  const same = (one: Json) => JSON.stringify(one) === JSON.stringify(value);
  const fits = (one: Json) => mismatches(one, value, root, path).length === 0;
  if (schema.enum && !schema.enum.some(same)) found.push(...wrong(`expected one of ${JSON.stringify(schema.enum)}`));
  if ("const" in schema && !same(schema.const)) found.push(...wrong(`expected ${JSON.stringify(schema.const)}`));
  if (schema.anyOf && !schema.anyOf.some(fits)) found.push(...wrong("fits none of the alternatives"));
  if (schema.oneOf && schema.oneOf.filter(fits).length !== 1) found.push(...wrong("fits none or several of the alternatives"));
  for (const part of schema.allOf ?? []) found.push(...mismatches(part, value, root, path));
  if (schema.not && fits(schema.not)) found.push(...wrong("not allowed"));
  if (typeof value === "number") {
    if (value < schema.minimum) found.push(...wrong(`expected at least ${schema.minimum}`));
    if (value > schema.maximum) found.push(...wrong(`expected at most ${schema.maximum}`));
    if (value <= schema.exclusiveMinimum) found.push(...wrong(`expected more than ${schema.exclusiveMinimum}`));
    if (value >= schema.exclusiveMaximum) found.push(...wrong(`expected less than ${schema.exclusiveMaximum}`));
    if (schema.multipleOf && value % schema.multipleOf !== 0) found.push(...wrong(`expected a multiple of ${schema.multipleOf}`));
  }
  if (typeof value === "string") {
    const { length } = [...value];
    if (length < schema.minLength) found.push(...wrong(`expected at least ${schema.minLength} characters`));
    if (length > schema.maxLength) found.push(...wrong(`expected at most ${schema.maxLength} characters`));
    if (schema.pattern && !new RegExp(schema.pattern, "u").test(value)) found.push(...wrong(`does not match ${schema.pattern}`));
  }
  if (Array.isArray(value)) {
    if (value.length < schema.minItems) found.push(...wrong(`expected at least ${schema.minItems} items`));
    if (value.length > schema.maxItems) found.push(...wrong(`expected at most ${schema.maxItems} items`));
    const first = schema.prefixItems ?? [];
    value.forEach((item, index) => {
      found.push(...mismatches(first[index] ?? schema.items, item, root, [...path, index]));
    });
  } else if (KINDS.object!(value)) {
    const known = schema.properties ?? {};
    for (const name of schema.required ?? []) {
      if (!Object.hasOwn(value, name)) found.push({ path: [...path, name], message: "missing" });
    }
    for (const [name, member] of Object.entries(value)) {
      const place = [...path, name];
      if (Object.hasOwn(known, name)) found.push(...mismatches(known[name], member, root, place));
      else if (schema.additionalProperties === false) found.push({ path: place, message: "unknown" });
      else found.push(...mismatches(schema.additionalProperties, member, root, place));
    }
  }
  return found;
}

/** A schema in the form that all known clients take. */
export function tidy(schema: Json): Json {
  if (schema === null || typeof schema !== "object") return schema;
  const { $schema: _, ...rest } = schema;
  const root = part(rest);
  return root.type === "object" ? { ...root, properties: root.properties ?? {} } : root;
}

const NAMED = ["properties", "patternProperties", "$defs", "definitions", "dependentSchemas"];
const LISTED = ["anyOf", "oneOf", "allOf", "prefixItems"];
const SINGLE = ["items", "contains", "not", "if", "then", "else", "propertyNames", "additionalProperties"];

function part(schema: Json): Json {
  // Not all clients know schemas that are `true`.
  if (schema === true) return {};
  if (schema === null || typeof schema !== "object") return schema;
  const out = { ...schema };
  for (const key of NAMED) {
    if (out[key]) out[key] = Object.fromEntries(Object.entries(out[key]).map(([name, of]) => [name, part(of)]));
  }
  for (const key of LISTED) if (Array.isArray(out[key])) out[key] = out[key].map(part);
  for (const key of SINGLE) if (typeof out[key] === "object") out[key] = part(out[key]);
  if (out.items === true) out.items = {};
  if (out.prefixItems && typeof out.items !== "object") {
    // Some clients refuse arrays without `items`.
    const { length } = out.prefixItems;
    if (out.items === false) Object.assign(out, { minItems: out.minItems ?? 0, maxItems: length });
    const kinds = [...new Map(out.prefixItems.map((of: Json) => [JSON.stringify(of), of])).values()];
    out.items = kinds.length === 1 ? kinds[0] : { anyOf: kinds };
  }
  for (const [name, of] of Object.entries(out.properties ?? {})) {
    if (!out.required?.includes(name)) out.properties[name] = withoutNull(of);
  }
  return out;
}

/** What may be left out need not be `null`, which some clients cannot express. */
function withoutNull(schema: Json): Json {
  const { anyOf, type, ...rest } = schema;
  if (Array.isArray(type) && type.length === 2 && type.includes("null")) {
    return { ...rest, ...(anyOf && { anyOf }), type: type.find((kind) => kind !== "null") };
  }
  const others = anyOf?.filter((one: Json) => one.type !== "null");
  if (others?.length !== 1 || anyOf.length !== 2) return schema;
  return { ...others[0], ...(type && { type }), ...rest };
}
