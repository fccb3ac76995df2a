/** What differs between the engines: QuickJS cannot wait, and has no web APIs. */

export const sync = true;

/** What a function of the author may return: anything but a promise. */
export type Maybe<T> = T extends object ? T & { then?: never } : T;

/** What a question to the client gives: the answer itself, so do not write `await`. */
export type Answer<T> = T;

/** The part of a `URL` that there is. */
export type Uri = { readonly href: string; toString(): string };

export const uri = (text: string): Uri => ({ href: text, toString: () => text });

export const u64 = (value: number): any => Math.trunc(value);

export const explain = (why: string): string => why;

/** Zod checks these formats with `URL`, and would refuse whatever is given. */
export const checks = (format: unknown): boolean =>
  format !== "uri" && format !== "ipv6" && format !== "cidrv6";
