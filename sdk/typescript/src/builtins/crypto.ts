/** `node:crypto`: random values. For digests use `crypto.subtle`. */

import { Buffer } from "./buffer.ts";

export const webcrypto = globalThis.crypto;
export const { subtle } = webcrypto;
export const randomUUID = (): string => webcrypto.randomUUID();
export const getRandomValues = <T extends ArrayBufferView>(into: T): T => webcrypto.getRandomValues(into as any) as any;
export const randomBytes = (size: number): Buffer => webcrypto.getRandomValues(Buffer.alloc(size) as any) as any;
export function randomInt(low: number, high?: number): number {
  const [from, to] = high === undefined ? [0, low] : [low, high];
  return from + (webcrypto.getRandomValues(new Uint32Array(1))[0]! % (to - from));
}

export default { webcrypto, subtle, randomUUID, getRandomValues, randomBytes, randomInt };
