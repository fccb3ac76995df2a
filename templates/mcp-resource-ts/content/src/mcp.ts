{%- if engine == "quickjs" %}{% assign async = "" %}{% assign await = "" %}{% assign promise = "" %}{% assign end = "" -%}
{%- else %}{% assign async = "async " %}{% assign await = "await " %}{% assign promise = "Promise<" %}{% assign end = ">" -%}
{%- endif -%}
/**
 * Makes resources out of functions. A resource is listed and read by its URI; a template stands
 * for all resources whose URIs fit it, and its function gets what the variables stand for. Such a
 * function returns text or bytes, or throws why it cannot{% if engine != "quickjs" %}; it may be `async`{% endif %}. Functions of
 * `spin-mcp:server/request` take the id of the request, which comes second.
 */

import type {
  Completion,
  CompletionArgument,
  CompletionReference,
} from "spin-mcp:server/completion-types@0.1.0";
import type {
  ReadOutcome,
  ResourceList,
  ResourceTemplateList,
} from "spin-mcp:server/resource-types@0.1.0";
import type { Error as Refusal, RequestId, ResourceBody } from "spin-mcp:server/types@0.1.0";

type Body = string | Uint8Array | undefined;
type Listed = { name: string; description: string; mimeType: string };
type Read<Variables> = (variables: Variables, request: RequestId) => Body{% if engine != "quickjs" %} | Promise<Body>{% endif %};

/** The names of the variables in a URI template. */
type Variable<Uri> = Uri extends `${string}{${infer Name}}${infer Rest}`
  ? Name | Variable<Rest>
  : never;

export type Resource = Listed & {
  uri: string;
  read: Read<Record<string, string>>;
  completions?: Record<string, (() => string[]) | undefined>;
};

/** A resource that clients see in the list. */
export function resource(uri: string, of: Listed & { read: Read<{}> }): Resource {
  return { uri, ...of };
}

/** A family of resources. `undefined`: this one is not there. */
export function template<Uri extends string>(
  uri: Uri,
  of: Listed & {
    read: Read<Record<Variable<Uri>, string>>;
    /** What a variable may stand for, for the client to suggest. */
    completions?: Partial<Record<Variable<Uri>, () => string[]>>;
  },
): Resource {
  return { uri, ...of };
}

/** The interfaces `resources` and `completions` of the contract. */
export function exported(known: Resource[], families: Resource[]) {
  const resources = {
    listResources(_request: RequestId, cursor?: string | null): ResourceList {
      firstPage(cursor);
      const listed = known.map(({ uri, ...of }) => ({ uri, ...shown(of) }));
      return { resources: listed };
    },

    listResourceTemplates(_request: RequestId, cursor?: string | null): ResourceTemplateList {
      firstPage(cursor);
      const listed = families.map(({ uri, ...of }) => ({ uriTemplate: uri, ...shown(of) }));
      return { resourceTemplates: listed };
    },

    {{async}}readResource(request: RequestId, uri: string): {{promise}}ReadOutcome | undefined{{end}} {
      const same = known.find((resource) => resource.uri === uri);
      if (same) return outcome(uri, same, {{await}}body(same, {}, request));
      for (const family of families) {
        const fits = variables(family.uri, uri);
        const found = fits && outcome(uri, family, {{await}}body(family, fits, request));
        if (found) return found;
      }
      return undefined;
    },
  };
  const completions = {
    complete(
      _request: RequestId,
      reference: CompletionReference,
      { name, value }: CompletionArgument,
    ): Completion | undefined {
      if (reference.tag !== "resource-template") return undefined;
      const family = families.find(({ uri }) => uri === reference.val);
      return family && completion(family.completions?.[name]?.() ?? [], value);
    },
  };
  return { resources, completions };
}

function shown({ name, description, mimeType }: Listed) {
  return { name, description, mimeType, icons: [] };
}

{{async}}function body(of: Resource, variables: Record<string, string>, request: RequestId) {
  try {
    return {{await}}of.read(variables, request);
  } catch (why) {
    throw refusal(-32603, reason(why));
  }
}

function outcome(uri: string, { mimeType }: Listed, found: Body): ReadOutcome | undefined {
  if (found === undefined) return undefined;
  const body: ResourceBody =
    typeof found === "string" ? { tag: "text", val: found } : { tag: "blob", val: found };
  return { tag: "complete", val: { contents: [{ uri, mimeType, body }] } };
}

/**
 * What the variables of a template stand for in a URI, if the URI fits. A variable ends where the
 * template goes on, and holds no `/`, `?` or `#` unless they are percent-encoded.
 */
function variables(template: string, uri: string): Record<string, string> | undefined {
  const [start, ...parts] = template.split("{");
  if (!uri.startsWith(start!)) return undefined;
  const found: Record<string, string> = {};
  let rest = uri.slice(start!.length);
  for (const part of parts) {
    const [name, literal = ""] = part.split("}");
    const end = literal === "" ? rest.length : rest.indexOf(literal);
    const value = rest.slice(0, end);
    if (end < 0 || /[/?#]/.test(value)) return undefined;
    try {
      found[name!] = decodeURIComponent(value);
    } catch {
      return undefined;
    }
    rest = rest.slice(end + literal.length);
  }
  return rest === "" ? found : undefined;
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
