/**
 * A small server with the names of the official SDK, for features that need little: it adds some
 * 20 KB to a component, where the SDK adds 8 MB, and also runs in QuickJS.
 */

import { explain, sync, uri as parseUri, type Answer, type Maybe, type Uri } from "spin-mcp/engine";
import { notify } from "./notify.ts";
import { Asked, Refusal, running, type Json, type Run } from "./run.ts";
import { fields, jsonSchema, mended, parse, unchecked, type Given, type Schema } from "./schema.ts";
import { link } from "./stdio.ts";
import { encoded, normal } from "./uri.ts";

export type Annotations = { audience?: ("user" | "assistant")[]; priority?: number; lastModified?: string };
export type Icon = { src: string; mimeType?: string; sizes?: string[]; theme?: "light" | "dark" };
type Meta = { _meta?: Record<string, unknown> };
type Named = { title?: string; description?: string; icons?: Icon[] } & Meta;
/** Beyond the official SDK: whether a request sees it. */
type Enabled = { enabled?: (ctx: Context) => boolean };
export type ResourceContents = { uri: string; mimeType?: string } & Meta & ({ text: string } | { blob: string });
export type ResourceLink = { uri: string; name: string; mimeType?: string; size?: number; annotations?: Annotations } & Named;
export type ContentBlock =
  | ({ type: "text"; text: string; annotations?: Annotations } & Meta)
  | ({ type: "image" | "audio"; data: string; mimeType: string; annotations?: Annotations } & Meta)
  | ({ type: "resource_link" } & ResourceLink)
  | ({ type: "resource"; resource: ResourceContents; annotations?: Annotations } & Meta);
export type CallToolResult = { content?: ContentBlock[]; structuredContent?: unknown; isError?: boolean } & Meta;
export type ReadResourceResult = { contents: ResourceContents[] } & Meta;
export type GetPromptResult = {
  description?: string;
  messages: { role: "user" | "assistant"; content: ContentBlock }[];
} & Meta;

export type ElicitResult = { action: "accept" | "decline" | "cancel"; content?: Record<string, any> };
type LogLevel = "debug" | "info" | "notice" | "warning" | "error" | "critical" | "alert" | "emergency";
export type ElicitParams =
  | { mode?: "form"; message: string; requestedSchema: JsonObject }
  | { mode: "url"; message: string; url: string; elicitationId?: string };
type JsonObject = { [key: string]: any };

/** What a function knows of its request, and can send and ask while it works. */
export interface Context {
  sessionId: string | undefined;
  mcpReq: {
    method: string;
    _meta: { [key: string]: any } | undefined;
    /** Whether the client has gone, or has cancelled the request, by now. */
    readonly signal: { readonly aborted: boolean };
    notify(notification: { method: string; params?: JsonObject }): Answer<void>;
    log(level: LogLevel, data: unknown, logger?: string): Answer<void>;
    elicitInput(params: ElicitParams): Answer<ElicitResult>;
    requestSampling(params: JsonObject): Answer<JsonObject>;
    listRoots(): Answer<{ roots: { uri: string; name?: string }[] }>;
  };
  /** Beyond the official SDK: the work is done once, although a call that asks runs again. */
  once<T>(key: string, work: () => T): T;
}

const settled = (value?: Json): Json => (sync ? value : Promise.resolve(value));

const asking = {
  elicitInput: (params: ElicitParams) => running().ask("elicitation/create", params),
  createMessage: (params: JsonObject) => running().ask("sampling/createMessage", params),
  listRoots: () => running().ask("roots/list", {}),
};

function context(run: Run, method: string): Context {
  const { host } = run;
  return {
    sessionId: host.sessionId(),
    mcpReq: {
      method,
      _meta: host.meta(),
      signal: {
        get aborted() {
          return host.isCancelled();
        },
      },
      notify: ({ method, params }) => settled(notify(run, method, params)),
      log: (level, data, logger) => settled(run.tell(() => host.log(level, logger, data))),
      elicitInput: asking.elicitInput,
      requestSampling: asking.createMessage,
      listRoots: asking.listRoots,
    },
    once: (key, work) => run.once(key, work),
  };
}

export type ToolConfig<Input, Output> = Named & Enabled & {
  inputSchema?: Input;
  outputSchema?: Output;
  annotations?: {
    title?: string;
    readOnlyHint?: boolean;
    destructiveHint?: boolean;
    idempotentHint?: boolean;
    openWorldHint?: boolean;
  };
};
export type PromptConfig<Input> = Named & Enabled & { argsSchema?: Input };
export type ResourceConfig = Named & Enabled & { mimeType?: string; size?: number; annotations?: Annotations };

/** A function with what it is given, if there is a schema, and the context. */
export type Callback<Input, Result> = Input extends Schema
  ? (given: Given<Input>, ctx: Context) => Maybe<Result>
  : (ctx: Context) => Maybe<Result>;
export type Read<At> = At extends ResourceTemplate<infer Template>
  ? (uri: Uri, variables: Variables<Template>, ctx: Context) => Maybe<ReadResourceResult | undefined>
  : (uri: Uri, ctx: Context) => Maybe<ReadResourceResult | undefined>;

type Tool = { config: ToolConfig<Schema, Schema>; input: Json; output: Json; call: Json };
type Prompt = { config: PromptConfig<Schema>; input: Json; get: Json };
type Resource = { name: string; config: ResourceConfig; read: Json };
type Complete = (value: string, context?: { arguments?: Record<string, string> }) => Maybe<string[]>;

/** The names of the variables in a URI template. */
type Names<Template> = Template extends `${string}{${infer Name}}${infer Rest}`
  ? (Name extends `+${infer Plain}` ? Plain : Name) | Names<Rest>
  : never;
export type Variables<Template extends string> = string extends Template
  ? Record<string, string>
  : Record<Names<Template>, string>;

type Callbacks<Template extends string> = {
  list: ((ctx: Context) => Maybe<{ resources: ResourceLink[] }>) | undefined;
  complete?: { [Name in keyof Variables<Template>]?: Complete };
};

/** A set of resources: `{name}` stands for one segment of the URI, `{+name}` for any text. */
export class ResourceTemplate<Template extends string = string> {
  readonly uriTemplate: Template;
  readonly callbacks: Callbacks<Template>;

  constructor(uriTemplate: Template, callbacks: Callbacks<Template>) {
    const odd = /\{(?!\+?\w+\})[^}]*\}?/.exec(uriTemplate);
    if (odd) {
      throw new Error(
        `the template \`${uriTemplate}\` has \`${odd[0]}\`; this server knows \`{name}\` and \`{+name}\`, and the official SDK more`,
      );
    }
    this.uriTemplate = uriTemplate;
    this.callbacks = callbacks;
  }

  /** What the variables stand for in a URI, if the URI fits. */
  match(uri: string): Record<string, string> | undefined {
    const names: string[] = [];
    const literal = (text: string) => text.replace(/[.*+?^$()|[\]\\{}]/g, "\\$&");
    const eitherCase = (text: string) =>
      text.replace(/%..|[a-z]/gi, (c) => (c[0] === "%" ? c : `[${c.toLowerCase()}${c.toUpperCase()}]`));
    // Variables keep their case, and the host around them has none.
    let inHost = true;
    const parts = this.uriTemplate.split(/\{(\+?\w+)\}/).map((part, at) => {
      if (at % 2 === 0) {
        const text = at === 0 ? normal(part, false) : encoded(part);
        const host = inHost ? /^(?:[^:/?#]*:(?:\/\/)?)?[^/?#]*/.exec(text)![0] : "";
        inHost &&= host === text;
        return eitherCase(literal(host)) + literal(text.slice(host.length));
      }
      names.push(part.replace("+", ""));
      return part.startsWith("+") ? "(.*)" : "([^/?#]*)";
    });
    const found = new RegExp(`^${parts.join("")}$`).exec(normal(uri, false));
    if (!found) return undefined;
    try {
      return Object.fromEntries(names.map((name, at) => [name, decodeURIComponent(found[at + 1]!)]));
    } catch {
      return undefined;
    }
  }
}

const completers = new WeakMap<object, Complete>();

/** A field of a prompt's arguments whose values the client can suggest. */
export function completable<S extends object>(schema: S, complete: Complete): S {
  completers.set(schema, complete);
  return schema;
}

export class McpServer {
  /** As in the official SDK: what belongs to the connection. */
  readonly server = {
    ...asking,
    getClientCapabilities: (): JsonObject => running().host.clientCapabilities(),
    getClientVersion: (): JsonObject | undefined => running().host.clientInfo(),
  };
  readonly #tools = new Map<string, Tool>();
  readonly #prompts = new Map<string, Prompt>();
  readonly #resources = new Map<string, Resource>();
  readonly #templates = new Map<string, Resource & { template: ResourceTemplate<Json> }>();

  /** The server's name comes from `spin.toml`, as one server has several features. */
  constructor(_info: { name: string; version: string; title?: string }, _options?: JsonObject) {}

  registerTool<Input extends Schema | undefined = undefined>(
    name: string,
    config: ToolConfig<Input, Schema>,
    call: Callback<Input, CallToolResult>,
  ): void {
    add(this.#tools, "tool", name, {
      config: config as Json,
      input: readable(config.inputSchema, "input"),
      output: config.outputSchema && readable(config.outputSchema, "output"),
      call,
    });
  }

  registerPrompt<Input extends Schema | undefined = undefined>(
    name: string,
    config: PromptConfig<Input>,
    get: Callback<Input, GetPromptResult>,
  ): void {
    add(this.#prompts, "prompt", name, { config: config as Json, input: readable(config.argsSchema, "input"), get });
  }

  /** `undefined` as the result: there is no such resource. */
  registerResource<At extends string | ResourceTemplate<Json>>(
    name: string,
    at: At,
    config: ResourceConfig,
    read: Read<At>,
  ): void {
    if (typeof at === "string") add(this.#resources, "resource", at, { name, config, read });
    else add(this.#templates, "resource template", at.uriTemplate, { name, config, read, template: at });
  }

  /** Makes this the server of the component, as `export const server` does. */
  async connect(_transport: unknown): Promise<void> {
    link.light = this;
  }

  async close(): Promise<void> {}

  sendLoggingMessage(params: { level: LogLevel; logger?: string; data: unknown }): Answer<void> {
    return settled(notify(running(), "notifications/message", params));
  }

  /** Answers a request of MCP. */
  handle(run: Run, method: string, params: Json): Maybe<Json> {
    const ctx = context(run, method);
    switch (method) {
      case "tools/list":
        return {
          tools: entries(seen(this.#tools, ctx), (name, { config, input, output }) => ({
            ...config,
            name,
            inputSchema: input,
            outputSchema: output,
          })),
        };
      case "prompts/list":
        return {
          prompts: entries(seen(this.#prompts, ctx), (name, { config, input }) => ({
            ...config,
            name,
            arguments: entries(new Map(Object.entries<Json>(input.properties ?? {})), (name, field) => ({
              name,
              title: field.title,
              description: field.description,
              required: input.required?.includes(name) ?? false,
            })),
          })),
        };
      case "resources/list":
        return this.#listResources(ctx);
      case "resources/templates/list":
        return {
          resourceTemplates: entries(seen(this.#templates, ctx), (uriTemplate, { name, config }) => ({ ...config, name, uriTemplate })),
        };
      case "tools/call":
        return this.#call(params, ctx);
      case "prompts/get":
        return this.#get(params, ctx);
      case "resources/read":
        return this.#read(params.uri, ctx);
      case "completion/complete":
        return this.#complete(params, ctx);
    }
    throw new Refusal(-32601, `there is no method \`${method}\``);
  }

  #listResources(ctx: Context): Maybe<Json> {
    const listed = entries(seen(this.#resources, ctx), (uri, { name, config }) => ({ ...config, name, uri }));
    const more = [...seen(this.#templates, ctx).values()].map(({ template }) => template.callbacks.list?.(ctx));
    return after(all(more), (pages) => ({
      resources: [...listed, ...pages.flatMap((page: Json) => page?.resources ?? [])],
    }));
  }

  #call({ name, arguments: given }: Json, ctx: Context): Maybe<Json> {
    const tool = seen(this.#tools, ctx).get(name);
    if (!tool) return undefined;
    const { inputSchema, outputSchema } = tool.config;
    const checked = (result: Json) => {
      const { structuredContent: structured, isError } = result ?? {};
      if (outputSchema === undefined || isError) return result ?? {};
      if (structured === undefined) throw new Error(`\`${name}\` has an output schema, but gave no structured content`);
      return after(parse(outputSchema, structured, "structured content"), (structuredContent) => ({
        ...result,
        structuredContent,
        content: result.content ?? [{ type: "text", text: JSON.stringify(structuredContent) }],
      }));
    };
    const work = () => {
      if (inputSchema === undefined) return after(tool.call(ctx), checked);
      const parsed = parse(inputSchema, mended(tool.input, given), "arguments");
      return after(parsed, (given) => after(tool.call(given, ctx), checked));
    };
    return attempt(work, (why) => ({ content: [{ type: "text", text: reason(why) }], isError: true }));
  }

  #get({ name, arguments: given }: Json, ctx: Context): Maybe<Json> {
    const prompt = seen(this.#prompts, ctx).get(name);
    if (!prompt) return undefined;
    const { config, input } = prompt;
    // Clients send text. Where a field takes none, such as a number, the text is its JSON.
    const values = Object.entries<string>(given).map(([name, text]) => [name, value(input.properties?.[name], text)]);
    const work = () => {
      if (config.argsSchema === undefined) return prompt.get(ctx);
      const parsed = parse(config.argsSchema, Object.fromEntries(values), "arguments");
      return after(parsed, (given) => prompt.get(given, ctx));
    };
    return attempt(work, (why) => {
      throw why instanceof Refusal ? why : new Refusal(-32602, reason(why));
    });
  }

  #read(uri: string, ctx: Context): Maybe<Json> {
    const failed = (why: unknown) => {
      throw why instanceof Refusal ? why : new Refusal(-32603, reason(why));
    };
    const typed = ({ mimeType }: ResourceConfig, found: Json) =>
      found && { ...found, contents: found.contents.map((one: Json) => ({ mimeType, ...one })) };
    const same = named(seen(this.#resources, ctx), uri);
    if (same) return attempt(() => after(same.read(parseUri(uri), ctx), (found) => typed(same.config, found)), failed);
    const fitting = [...seen(this.#templates, ctx).values()].flatMap((family) => {
      const variables = family.template.match(uri);
      return variables ? [{ family, variables }] : [];
    });
    const next = (at: number): Maybe<Json> => {
      const fits = fitting[at];
      if (!fits) return undefined;
      const { read, config } = fits.family;
      return after(read(parseUri(uri), fits.variables, ctx), (found) => typed(config, found) ?? next(at + 1));
    };
    return attempt(() => next(0), failed);
  }

  #complete({ ref, argument, context }: Json, ctx: Context): Maybe<Json> {
    const { name, value } = argument;
    if (ref.type === "ref/resource") {
      const complete = named(seen(this.#templates, ctx), ref.uri)?.template.callbacks.complete?.[name];
      return complete && after(complete(value, context), (values) => ({ completion: { values } }));
    }
    const prompt = seen(this.#prompts, ctx).get(ref.name);
    if (!prompt) return undefined;
    const complete = completer(fields(prompt.config.argsSchema)[name]);
    const found = complete
      ? complete(value, context)
      : choices(prompt.input.properties?.[name] ?? {}).filter((one) => one.startsWith(value));
    return after(found, (values) => ({ completion: { values, total: values.length } }));
  }
}

function add<T>(to: Map<string, T>, kind: string, name: string, item: T): void {
  if (to.has(name)) throw new Error(`the ${kind} \`${name}\` is registered twice`);
  to.set(name, item);
}

/** What has this URI, however it is written. */
function named<T>(of: Map<string, T>, uri: string): T | undefined {
  return of.get(uri) ?? [...of].find(([known]) => normal(known) === normal(uri))?.[1];
}

/** What a request sees. */
function seen<T extends { config: Enabled }>(of: Map<string, T>, ctx: Context): Map<string, T> {
  return new Map([...of].filter(([, { config }]) => config.enabled?.(ctx) ?? true));
}

function entries<T>(of: Map<string, T>, convert: (name: string, item: T) => Json): Json[] {
  return [...of].map(([name, item]) => convert(name, item));
}

function readable(schema: Schema | undefined, io: "input" | "output"): Json {
  const json = jsonSchema(schema, io);
  const format = unchecked(json);
  if (format) throw new Error(`QuickJS cannot check the format \`${format}\`: use StarlingMonkey`);
  return json;
}

/** `next` with the value, now or when it is there. */
function after(value: Json, next: (value: Json) => Json): Json {
  return !sync && typeof value?.then === "function" ? value.then(next) : next(value);
}

function all(values: Json[]): Json {
  return sync ? values : Promise.all(values);
}

function attempt(work: () => Json, failed: (why: unknown) => Json): Json {
  const rescue = (why: unknown) => {
    if (why instanceof Asked) throw why;
    return failed(why);
  };
  try {
    const value = work();
    return !sync && typeof value?.then === "function" ? value.then(undefined, rescue) : value;
  } catch (why) {
    return rescue(why);
  }
}

function value(schema: Json, text: string): unknown {
  const kinds = [schema?.type, ...(schema?.anyOf ?? []).map((one: Json) => one.type)].flat();
  if (kinds.includes("string") || kinds.every((kind) => kind === undefined)) return text;
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

function completer(schema: Json): Complete | undefined {
  for (let at = schema; at; at = at.def?.innerType) {
    const found = completers.get(at);
    if (found) return found;
  }
  return undefined;
}

/** The texts that a schema allows, if it names them. */
function choices(schema: Json): string[] {
  const named = [schema.const, ...(schema.enum ?? [])].filter((one) => typeof one === "string");
  return [...named, ...(schema.anyOf ?? []).flatMap(choices)];
}

/** Why something failed, in the words of whoever threw it. What is not a plain `Error` is logged. */
function reason(why: unknown): string {
  if (!(why instanceof Error)) return String(why);
  if ("payload" in why) return `the host refused: ${detail(why.payload)}`;
  if (why.name === "Error") return why.message;
  console.error(`${why}\n${why.stack}`);
  return explain(String(why));
}

/** An error that an imported function returned: the case of a variant, with what is in it. */
function detail(payload: unknown): string {
  if (typeof payload === "string") return payload;
  const { tag, val } = payload as { tag?: unknown; val?: unknown };
  return [tag, val].filter((part) => typeof part === "string").join(": ");
}
