/**
 * Makes prompts out of functions. A function takes what its Zod schema describes, and returns the
 * text of the prompt or throws why there is none; it may be `async`. The schema's own description
 * is the prompt's, its fields are the arguments, and the values of an enum their completions.
 * Functions of `spin-mcp:server/request` take the id of the request, which comes second.
 */

import * as z from "zod";
import type {
  Completion,
  CompletionArgument,
  CompletionReference,
} from "spin-mcp:server/completion-types@0.1.0";
import type {
  Prompt as Listed,
  PromptList,
  PromptOutcome,
} from "spin-mcp:server/prompt-types@0.1.0";
import type { Error as Refusal, RequestId } from "spin-mcp:server/types@0.1.0";

type Schema = z.core.JSONSchema.BaseSchema;

export type Prompt = {
  schema: Schema;
  get: (given: unknown, request: RequestId) => Promise<string>;
};

/** A function as a prompt. */
export function prompt<Input extends z.ZodObject>(
  input: Input,
  run: (given: z.infer<Input>, request: RequestId) => string | Promise<string>,
): Prompt {
  return {
    schema: z.toJSONSchema(input, { io: "input" }),
    get: async (given, request) => run(parse(input, given), request),
  };
}

/** The interfaces `prompts` and `completions` of the contract, for prompts by name. */
export function exported(known: Record<string, Prompt>) {
  const find = (name: string) => (Object.hasOwn(known, name) ? known[name] : undefined);
  const prompts = {
    listPrompts(_request: RequestId, cursor?: string | null): PromptList {
      firstPage(cursor);
      return { prompts: Object.entries(known).map(([name, { schema }]) => listed(name, schema)) };
    },

    async getPrompt(
      request: RequestId,
      name: string,
      given: [string, string][],
    ): Promise<PromptOutcome | undefined> {
      const prompt = find(name);
      if (!prompt) return undefined;
      const text = await got(prompt, given, request);
      const content = { tag: "text", val: { text } } as const;
      return { tag: "complete", val: { messages: [{ role: "user", content }] } };
    },
  };
  const completions = {
    complete(
      _request: RequestId,
      reference: CompletionReference,
      { name, value }: CompletionArgument,
    ): Completion | undefined {
      const prompt = reference.tag === "prompt" ? find(reference.val) : undefined;
      return prompt && completion(choices(property(prompt.schema, name)), value);
    },
  };
  return { prompts, completions };
}

function listed(name: string, schema: Schema): Listed {
  const described = ({ description }: Schema) => (description === undefined ? {} : { description });
  const properties = Object.keys(schema.properties ?? {}).map((argument) => ({
    name: argument,
    ...described(property(schema, argument)),
    required: schema.required?.includes(argument) ?? false,
  }));
  return { name, ...described(schema), arguments: properties, icons: [] };
}

async function got({ schema, get }: Prompt, given: [string, string][], request: RequestId) {
  // Clients send text. Where a field takes none, such as a number, the text is its JSON.
  const values = given.map(([name, text]) => [name, value(property(schema, name), text)]);
  try {
    return await get(Object.fromEntries(values), request);
  } catch (why) {
    throw refusal(-32602, reason(why));
  }
}

function value({ type, anyOf }: Schema, text: string): unknown {
  const kinds = [type, ...(anyOf ?? []).map((option) => (option as Schema).type)];
  if (kinds.includes("string") || kinds.every((kind) => kind === undefined)) return text;
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

function property({ properties }: Schema, name: string): Schema {
  const found = properties && Object.hasOwn(properties, name) ? properties[name] : {};
  return typeof found === "object" ? found : {};
}

/** The texts that a schema allows, if it names them. */
function choices(schema: Schema): string[] {
  const named = [schema.const, ...(schema.enum ?? [])].filter((one) => typeof one === "string");
  return [...named, ...(schema.anyOf ?? []).flatMap((option) => choices(option as Schema))];
}

/** What was given, as the schema has it. */
function parse<Input extends z.ZodType>(input: Input, given: unknown): z.infer<Input> {
  const error: z.core.$ZodErrorMap = (issue) => (issue.input === undefined ? "missing" : undefined);
  let parsed = input.safeParse(given, { error });
  while (!parsed.success && mend(given, parsed.error.issues)) {
    parsed = input.safeParse(given, { error });
  }
  if (parsed.success) return parsed.data;
  const wrong = parsed.error.issues.flatMap((issue) => {
    if (issue.code !== "unrecognized_keys") return at(issue.path, issue.message);
    return issue.keys.map((key) => at([...issue.path, key], "unknown"));
  });
  throw new Error(`invalid arguments: ${wrong.join("; ")}`);
}

/**
 * Mends what clients and models write otherwise: `null` for what may be absent, and text of JSON
 * for an array or object. Says whether it did.
 */
function mend(given: unknown, issues: z.core.$ZodIssue[]): boolean {
  let mended = false;
  for (const issue of issues) {
    const key = issue.path.at(-1);
    if (issue.code !== "invalid_type" || key === undefined) continue;
    const inner = (of: unknown, at: PropertyKey) => (of as Record<PropertyKey, unknown>)[at];
    const holder = issue.path.slice(0, -1).reduce(inner, given) as Record<PropertyKey, unknown>;
    const value = holder[key];
    if (value === null && !Array.isArray(holder)) {
      mended = delete holder[key];
    } else if (typeof value === "string" && ["array", "object", "record"].includes(issue.expected)) {
      try {
        const found: unknown = JSON.parse(value);
        if (typeof found === "object" && found !== null) holder[key] = found;
        mended ||= found === holder[key];
      } catch {
        // It is no JSON.
      }
    }
  }
  return mended;
}

function at(path: PropertyKey[], message: string): string {
  return path.length > 0 ? `${path.join(".")}: ${message}` : message;
}

/** Those of the values that begin with what was typed. */
function completion(values: string[], typed: string): Completion {
  const fitting = values.filter((value) => value.startsWith(typed));
  return { values: fitting, total: fitting.length, hasMore: false };
}

/** Why something failed, in the words of whoever threw it. What is not a plain `Error` is logged. */
function reason(why: unknown): string {
  if (!(why instanceof Error)) return String(why);
  if ("payload" in why) return `the host refused: ${detail(why.payload)}`;
  if (why.name === "Error") return why.message;
  console.error(`${why}\n${why.stack}`);
  // All that the engine says of a request that failed, whatever the cause.
  return why.message.startsWith("NetworkError")
    ? "cannot send the HTTP request: the host does not answer, or this server may not reach it"
    : String(why);
}

/** An error that an imported function returned: the case of a variant, with what is in it. */
function detail(payload: unknown): string {
  if (typeof payload === "string") return payload;
  const { tag, val } = payload as { tag?: unknown; val?: unknown };
  return [tag, val].filter((part) => typeof part === "string").join(": ");
}

/** Lists have one page, which is asked for without a cursor. */
function firstPage(cursor: string | null | undefined): void {
  if (cursor != null) throw refusal(-32602, "the list has one page, without a cursor");
}

function refusal(code: number, message: string): Refusal {
  return { code, message };
}
