/** What differs between the engines: StarlingMonkey waits for promises. */

export const sync = false;

/** What a function of the author may return. */
export type Maybe<T> = T | Promise<T>;

/** What a question to the client gives. */
export type Answer<T> = Promise<T>;

export type Uri = URL;

export const uri = (text: string): Uri => new URL(text);

export const u64 = (value: number): any => BigInt(Math.trunc(value));

/** What the engine says of a request that failed, in words that help. */
export const explain = (why: string): string =>
  why.includes("NetworkError when attempting")
    ? "cannot send the HTTP request: the host does not answer, or this server may not reach it"
    : why;

export const checks = (_format: unknown): boolean => true;
