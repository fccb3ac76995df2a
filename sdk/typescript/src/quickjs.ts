/** What QuickJS lacks. */

import { type OutputStream, getStderr } from "wasi:cli/stderr@0.2.0";
import { getRandomBytes } from "wasi:random/random@0.2.0";

Object.assign(globalThis, {
  console: { debug: print, error: print, info: print, log: print, warn: print },
  fetch() {
    throw new Error("QuickJS has no `fetch`; make the feature with `engine=starlingmonkey`");
  },
});
// Its own begins in each component where it stood when that was built.
Math.random = random;

let stderr: OutputStream | undefined;

function print(...values: unknown[]): void {
  const words = values.map((value) =>
    typeof value === "object" && !(value instanceof Error) ? JSON.stringify(value) : String(value),
  );
  stderr ??= getStderr();
  stderr.blockingWriteAndFlush(utf8(`${words.join(" ")}\n`));
}

function utf8(text: string): Uint8Array {
  const escaped = encodeURIComponent(text.replace(/\p{Surrogate}/gu, "\ufffd"));
  const bytes = escaped.match(/%..|[^]/g) ?? [];
  return Uint8Array.from(bytes, (byte) =>
    byte.length > 1 ? parseInt(byte.slice(1), 16) : byte.charCodeAt(0),
  );
}

/** Of the 53 bits that are in a number from 0 to 1. */
function random(): number {
  const [high, low] = new Uint32Array(getRandomBytes(8).slice().buffer);
  return ((high! >>> 5) * 2 ** 26 + (low! >>> 6)) / 2 ** 53;
}
