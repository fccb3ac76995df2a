/** A client of both eras, in memory: it answers what a call asks, and calls again. */

import assert from "node:assert/strict";
import { feature, type Handle } from "../src/feature.ts";
import type { Host, Json } from "../src/run.ts";

export type Told = [kind: string, ...what: Json[]];
export type Asks = { method: string; params: Json; key: string };

export class Client {
  readonly told: Told[] = [];
  readonly asked: Asks[] = [];
  rounds = 0;
  readonly #feature;
  #state: string | undefined;
  #responses: [string, Json][] = [];
  readonly #answer: (question: Asks) => Json;
  readonly host: Partial<Host>;

  constructor(handle: Handle, answer: (question: Asks) => Json = () => assert.fail("asked"), host: Partial<Host> = {}) {
    this.#answer = answer;
    this.host = host;
    this.#feature = feature(handle, (request) => this.#host(request));
  }

  #host(request: Json): Host {
    const none = !request;
    return {
      protocolVersion: () => (none ? "" : "2026-07-28"),
      clientInfo: () => ({ name: "test", version: "1" }),
      clientCapabilities: () => ({ elicitation: { form: {}, url: {} }, sampling: {}, roots: {} }),
      identity: () => undefined,
      headers: () => [],
      sessionId: () => undefined,
      meta: () => ({ progressToken: "p" }),
      isCancelled: () => false,
      progress: (...what) => void this.told.push(["progress", ...what]),
      log: (...what) => void this.told.push(["log", ...what]),
      resourceUpdated: (uri) => void this.told.push(["updated", uri]),
      listChanged: (kind) => void this.told.push(["changed", kind]),
      responses: () => (none ? [] : this.#responses),
      state: () => (none ? undefined : this.#state),
      ...this.host,
    };
  }

  /** The contract's answer, once nothing is asked any more. */
  async #until(call: () => Json): Promise<Json> {
    this.#state = undefined;
    this.#responses = [];
    for (this.rounds = 1; this.rounds < 10; this.rounds++) {
      const outcome = await call();
      if (outcome?.tag !== "input-required") return outcome?.val;
      const questions = outcome.val.requests.map((one: Json) => ({ ...one, params: JSON.parse(one.params) }));
      this.asked.push(...questions);
      this.#state = outcome.val.state;
      this.#responses = questions
        .map((question: Asks) => [question.key, this.#answer(question)])
        .filter(([, answer]: Json) => answer !== undefined);
    }
    return assert.fail("it asks for ever");
  }

  tools = async () => (await this.#feature.tools.listTools(0)).tools;
  resources = async () => (await this.#feature.resources.listResources(0)).resources;
  templates = async () => (await this.#feature.resources.listResourceTemplates(0)).resourceTemplates;
  prompts = async () => (await this.#feature.prompts.listPrompts(0)).prompts;
  call = (name: string, given: Json = {}) =>
    this.#until(() => this.#feature.tools.callTool(7, name, JSON.stringify(given)));
  read = (uri: string) => this.#until(() => this.#feature.resources.readResource(7, uri));
  get = (name: string, given: Record<string, string> = {}) =>
    this.#until(() => this.#feature.prompts.getPrompt(7, name, Object.entries(given)));
  complete = (tag: string, val: string, name: string, value: string) =>
    this.#feature.completions.complete(7, { tag, val }, { name, value }, []);

  /** The text of a tool's result, with a mark if it failed. */
  async says(name: string, given: Json = {}): Promise<string> {
    const { content, isError } = await this.call(name, given);
    return (isError ? "failed: " : "") + content.map((one: Json) => one.val.text).join("|");
  }
}

export const text = (...texts: string[]) => ({ content: texts.map((text) => ({ type: "text" as const, text })) });
