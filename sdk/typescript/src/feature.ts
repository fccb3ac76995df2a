/** A server as a feature: the interfaces of the contract, in terms of MCP's methods. */

import { sync, type Maybe } from "spin-mcp/engine";
import * as contract from "./contract.ts";
import { Refusal, Run, begin, type Host, type Json } from "./run.ts";

/** Answers one request of MCP with its result, or throws. */
export type Handle = (run: Run, method: string, params: Json) => Maybe<Json>;

export function feature(handle: Handle, host: (request: Json) => Host) {
  function serve(request: Json, method: string, params: Json, finish: (run: Run, result: Json) => Json) {
    const run = new Run(host(request));
    begin(run);
    const failed = (why: unknown) => {
      throw refusal(why);
    };
    const settle = (result: Json) => {
      try {
        return finish(run, result);
      } catch (why) {
        return failed(why);
      }
    };
    if (!sync) {
      const done = Promise.race([Promise.resolve().then(() => handle(run, method, params)), run.ended]);
      return done.then(settle, failed).finally(() => run.finish());
    }
    let result: Json;
    try {
      result = handle(run, method, params);
    } catch (why) {
      if (run.questions.length === 0) return failed(why);
    }
    if (typeof result?.then === "function") {
      return failed(new Error(`QuickJS cannot wait for a promise, and \`${method}\` gave one`));
    }
    return settle(result);
  }

  const list = (method: string, convert: (result: Json) => Json) => (request: Json, cursor?: string | null) =>
    serve(request, method, cursor == null ? {} : { cursor }, (_, result) => convert(result));

  /** The result of a call that can ask. */
  const outcome = (convert: (result: Json) => Json) => (run: Run, result: Json) => {
    // Code that cannot wait may have caught what ends it.
    if (run.questions.length > 0 && (sync || result === undefined)) {
      return { tag: "input-required", val: run.required() };
    }
    return result === undefined ? undefined : { tag: "complete", val: convert(result) };
  };

  const tools = {
    listTools: list("tools/list", contract.toolList),
    callTool: (request: Json, name: string, given: string) =>
      serve(request, "tools/call", { name, arguments: JSON.parse(given) }, outcome(contract.toolResult)),
  };
  const resources = {
    listResources: list("resources/list", contract.resourceList),
    listResourceTemplates: list("resources/templates/list", contract.resourceTemplateList),
    readResource: (request: Json, uri: string) =>
      serve(request, "resources/read", { uri }, outcome(contract.readResult)),
  };
  const prompts = {
    listPrompts: list("prompts/list", contract.promptList),
    getPrompt: (request: Json, name: string, given: [string, string][]) =>
      serve(
        request,
        "prompts/get",
        { name, arguments: Object.fromEntries(given) },
        outcome(contract.promptResult),
      ),
  };
  const completions = {
    complete(request: Json, { tag, val }: Json, argument: Json, context: [string, string][]) {
      const ref = tag === "prompt" ? { type: "ref/prompt", name: val } : { type: "ref/resource", uri: val };
      const params = { ref, argument, context: { arguments: Object.fromEntries(context) } };
      return serve(request, "completion/complete", params, (_, result) => result && contract.completion(result));
    },
  };
  return { tools, resources, prompts, completions };
}

function refusal(why: unknown): Json {
  const { code, data, message } = why as Json;
  const known = why instanceof Refusal || (why instanceof Error && Number.isInteger(code));
  if (!known && why instanceof Error && why.name !== "Error") console.error(`${why}\n${why.stack}`);
  return {
    code: known ? code : -32603,
    message: why instanceof Error ? message : String(why),
    ...(known && data !== undefined && { data: JSON.stringify(data) }),
  };
}
