{%- if engine == "quickjs" %}{% assign async = "" %}{% assign await = "" %}{% assign promise = "" %}{% assign end = "" -%}
{%- else %}{% assign async = "async " %}{% assign await = "await " %}{% assign promise = "Promise<" %}{% assign end = ">" -%}
{%- endif -%}
/**
 * Makes tools out of functions. A function takes what its Zod schema describes, and returns what
 * it found or throws why it failed{% if engine != "quickjs" %}; it may be `async`{% endif %}. The schema's own description is the tool's.
 * Functions of `spin-mcp:server/request` take the id of the request, which comes second.
 */

import * as z from "zod";
import type { Error as Refusal, RequestId } from "spin-mcp:server/types@0.1.0";
import type { ToolList, ToolOutcome } from "spin-mcp:server/tool-types@0.1.0";

export type Tool = {
  description: string | undefined;
  schema: string;
  call: (given: unknown, request: RequestId) => {{promise}}string{{end}};
};

type Settled = { text: string; failed: boolean };
{%- if engine == "quickjs" %}

/** Anything but a promise: QuickJS does not wait for one. */
export type NoPromise = null | undefined | string | number | boolean | (object & { then?: never });
{%- endif %}

/** A function as a tool. */
export function tool<Input extends z.ZodObject>(
  input: Input,
  run: (given: z.infer<Input>, request: RequestId) => {% if engine == "quickjs" %}NoPromise{% else %}unknown{% endif %},
): Tool {
  const json = z.toJSONSchema(input, { io: "input"{% if engine == "quickjs" %}, override: withoutUrl{% endif %} });
  const { $schema: _, description, ...schema } = json;
  return {
    description,
    schema: JSON.stringify(schema),
    call: {{async}}(given, request) => text({{await}}run(parse(input, given), request)),
  };
}

/** The interface `tools` of the contract, for tools by name. */
export function exported(tools: Record<string, Tool>) {
  return {
    listTools(_request: RequestId, cursor?: string | null): ToolList {
      firstPage(cursor);
      const listed = Object.entries(tools).map(([name, { description, schema }]) => ({
        name,
        ...(description !== undefined && { description }),
        inputSchema: schema,
        icons: [],
      }));
      return { tools: listed };
    },

    {{async}}callTool(
      request: RequestId,
      name: string,
      given: string,
    ): {{promise}}ToolOutcome | undefined{{end}} {
      if (!Object.hasOwn(tools, name)) return undefined;
      const answer = {{await}}settled(() => tools[name]!.call(JSON.parse(given), request));
      return {
        tag: "complete",
        val: {
          content: answer.text ? [{ tag: "text", val: { text: answer.text } }] : [],
          isError: answer.failed,
        },
      };
    },
  };
}

{{async}}function settled(answer: () => {{promise}}string{{end}}): {{promise}}Settled{{end}} {
  try {
    return { text: {{await}}answer(), failed: false };
  } catch (why) {
    return { text: reason(why), failed: true };
  }
}{%- if engine == "quickjs" %}

/** Zod checks these formats with `URL`, which QuickJS has not: it would refuse whatever is given. */
function withoutUrl({ jsonSchema }: { jsonSchema: z.core.JSONSchema.BaseSchema }): void {
  const { format } = jsonSchema;
  if (format === "uri" || format === "ipv6" || format === "cidrv6") {
    throw new Error(`QuickJS cannot check the format \`${format}\`: use StarlingMonkey`);
  }
}
{%- endif %}

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

/** An answer as text: a string as it is, nothing as no text, anything else as JSON. */
function text(answer: unknown): string {
  if (answer == null) return "";
  return typeof answer === "string" ? answer : (JSON.stringify(answer) ?? "");
}

/** Why something failed, in the words of whoever threw it. What is not a plain `Error` is logged. */
function reason(why: unknown): string {
  if (!(why instanceof Error)) return String(why);
  if ("payload" in why) return `the host refused: ${detail(why.payload)}`;
  if (why.name === "Error") return why.message;
  console.error(`${why}\n${why.stack}`);
{%- if engine == "quickjs" %}
  return String(why);
{%- else %}
  // All that the engine says of a request that failed, whatever the cause.
  return why.message.startsWith("NetworkError")
    ? "cannot send the HTTP request: the host does not answer, or this server may not reach it"
    : String(why);
{%- endif %}
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
