/** `node:assert`, without comparisons of what is inside of objects. */

export class AssertionError extends Error {
  override name = "AssertionError";
}

function assert(value: unknown, message: string | Error = "the assertion failed"): asserts value {
  if (!value) throw message instanceof Error ? message : new AssertionError(message);
}

const fail = (message?: string | Error): never => {
  assert(false, message);
  throw new Error("unreachable");
};
const strictEqual = (left: unknown, right: unknown, message?: string | Error) =>
  assert(Object.is(left, right), message ?? `${left} is not ${right}`);
const notStrictEqual = (left: unknown, right: unknown, message?: string | Error) =>
  assert(!Object.is(left, right), message ?? `it is ${right}`);

const all = { AssertionError, ok: assert, fail, equal: strictEqual, strictEqual, notEqual: notStrictEqual, notStrictEqual };
export const strict = Object.assign(assert, all);
export { assert as ok, fail, strictEqual as equal, strictEqual, notStrictEqual as notEqual, notStrictEqual };
export default strict;
