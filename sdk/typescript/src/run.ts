/**
 * One call of a tool, resource or prompt, and how it asks the client.
 *
 * A call runs until it asks something that has no answer yet. It then ends, and the client answers.
 * The next call runs from the top, and each question gets the answer that it got before. A question
 * is known by what it asks, not by its place, so that questions can be asked in parallel.
 */

import { sync, type Answer } from "spin-mcp/engine";

export type Json = any;

/** Not every engine has timers. */
const timers = globalThis as Json;

/** What is known of a request, and what can be sent while it is served. */
export interface Host {
  protocolVersion(): string;
  clientInfo(): Json;
  clientCapabilities(): Json;
  identity(): Json;
  headers(): [string, string][];
  sessionId(): string | undefined;
  meta(): Json;
  isCancelled(): boolean;
  progress(progress: number, total?: number, message?: string): void;
  log(level: string, logger: string | undefined, data: Json): void;
  resourceUpdated(uri: string): void;
  listChanged(kind: "tools" | "resources" | "prompts"): void;
  responses(): [string, Json][];
  state(): string | undefined;
}

export type Question = { key: string; method: string; params: Json };
/** Comes back, sealed, with the next call. */
type State = { answers: [string, Json][]; asked: string[]; told: number; once: Record<string, Json> };

/** Thrown by a question without an answer where code cannot wait. Do not catch it. */
export class Asked {}

/** A failure of the protocol. */
export class Refusal extends Error {
  readonly code: number;
  readonly data: Json;
  constructor(code: number, message: string, data?: Json) {
    super(message);
    this.code = code;
    this.data = data;
  }
}

const MOST_STATE = 32 * 1024;

export class Run {
  readonly host: Host;
  /** Questions of this call without an answer. */
  readonly questions: Question[] = [];
  /** Settles when the call must end because of its questions. */
  readonly ended: Promise<void>;
  #end!: () => void;
  #over = false;
  #scheduled = false;
  #working = 0;
  #told = 0;
  readonly #state: State;
  readonly #answers: Map<string, Json>;
  readonly #met = new Set<string>();
  readonly #timers = new Set<Json>();

  constructor(host: Host) {
    this.host = host;
    this.ended = new Promise((end) => (this.#end = end));
    const state = host.state();
    this.#state = state ? JSON.parse(state) : { answers: [], asked: [], told: 0, once: {} };
    this.#answers = new Map(this.#state.answers);
    for (const [key, answer] of host.responses()) {
      if (this.#state.asked.includes(key)) this.#answers.set(key, answer);
    }
  }

  /** The headers of the request; the values of one that occurs more than once are joined. */
  headers(): Record<string, string> {
    const found: Record<string, string> = {};
    for (const [name, value] of this.host.headers()) {
      found[name] = Object.hasOwn(found, name) ? `${found[name]}, ${value}` : value;
    }
    return found;
  }

  /** Asks the client. Answers that are known come at once. */
  ask(method: string, params: Json): Answer<Json> {
    const name = `${method.split("/")[0]}-${digest(method, params)}`;
    let key = name;
    for (let nth = 2; this.#met.has(key); nth++) key = `${name}-${nth}`;
    this.#met.add(key);
    if (this.#answers.has(key)) {
      const answer = this.#answers.get(key);
      return (sync ? answer : Promise.resolve(answer)) as Answer<Json>;
    }
    this.questions.push({ key, method, params });
    if (sync) throw new Asked();
    this.#endSoon();
    return new Promise(() => {}) as Answer<Json>;
  }

  /** The value of the work when it was first done in this call, however often the call is repeated. */
  once<T>(key: string, work: () => T): T {
    const known = this.#state.once;
    if (Object.hasOwn(known, key)) return (sync ? known[key] : Promise.resolve(known[key])) as T;
    this.#working++;
    const keep = (value: Json) => {
      known[key] = value ?? null;
      return value;
    };
    const done = () => this.#working--;
    if (sync) {
      try {
        return keep(work());
      } finally {
        done();
      }
    }
    return Promise.resolve().then(work).then(keep).finally(done) as T;
  }

  /** Sends a notification, unless an earlier call has sent it. */
  tell(send: () => void): void {
    if (!this.#over && ++this.#told > this.#state.told) send();
  }

  /** Timers of a call that ended must not fire in the next one. */
  keepTimer(timer: Json): void {
    this.#timers.add(timer);
  }

  /** Nothing that this call left behind can ask or tell. */
  finish(): void {
    this.#over = true;
    for (const timer of this.#timers) timers.clearTimeout(timer);
  }

  /** Lets other questions that the code asks in parallel come first, and work that is done once end. */
  #endSoon(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    const end = () => {
      if (this.#working > 0) timers.setTimeout(end, 1);
      else this.#end();
    };
    timers.setTimeout(end, 0);
  }

  /** The questions and the state for the next call. */
  required(): { requests: Json[]; state: string } {
    const [question] = this.questions;
    const missed = [...this.#answers.keys()].find((key) => !this.#met.has(key));
    if (missed !== undefined) {
      const asked = question!.params?.message ?? question!.method;
      throw new Refusal(
        -32603,
        `the call asked something else than before (now \`${asked}\`; \`${missed}\` was not asked again): ` +
          "a call that asks runs again from its top, and must ask the same; keep what differs from run to run, " +
          "such as times and random values, with `once(key, work)`",
      );
    }
    const state: State = {
      answers: [...this.#answers],
      asked: this.questions.map(({ key }) => key),
      told: Math.max(this.#told, this.#state.told),
      once: this.#state.once,
    };
    const text = JSON.stringify(state);
    if (text.length > MOST_STATE) {
      throw new Refusal(
        -32603,
        `the answers so far and the values of \`once\` have ${text.length} characters; at most ${MOST_STATE} can be kept between questions`,
      );
    }
    const requests = this.questions.map(({ params, ...question }) => ({
      ...question,
      params: JSON.stringify(params ?? {}),
    }));
    return { requests, state: text };
  }
}

/** What a question asks. `_meta` and ids that authors draw at random do not belong to it, also where the URL has the id. */
function digest(method: string, params: Json): string {
  const { elicitationId: drawn, _meta, ...rest } = params ?? {};
  if (drawn && typeof rest.url === "string" && rest.url !== drawn) rest.url = rest.url.replaceAll(drawn, "");
  let hash = 0xcbf29ce484222325n;
  for (const char of method + JSON.stringify(rest, sorted)) {
    hash = BigInt.asUintN(64, (hash ^ BigInt(char.codePointAt(0)!)) * 0x100000001b3n);
  }
  return hash.toString(36);
}

function sorted(_key: string, value: Json): Json {
  if (value === null || typeof value !== "object" || Array.isArray(value)) return value;
  return Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)));
}

let current: Run | undefined;

/** The call that is being served: an instance serves one at a time. */
export function running(): Run {
  if (!current) throw new Error("there is no call: use this inside of a tool, resource or prompt");
  return current;
}

export function begin(run: Run): void {
  current?.finish();
  current = run;
}

if (!sync) {
  const { setTimeout: later, setInterval: repeat } = timers;
  const kept = (start: Json) => (...given: Json[]) => {
    const timer = start(...given);
    current?.keepTimer(timer);
    return timer;
  };
  Object.assign(timers, { setTimeout: kept(later), setInterval: kept(repeat) });
}
