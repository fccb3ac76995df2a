/** `node:buffer`: texts and bytes, in the encodings that servers use. */

const fromBase64 = (text: string) =>
  Uint8Array.from(atob(text.replaceAll("-", "+").replaceAll("_", "/").replace(/[\s=]+/g, "")), (char) => char.charCodeAt(0));
const fromHex = (text: string) => Uint8Array.from(text.match(/../g) ?? [], (pair) => parseInt(pair, 16));

function encode(text: string, encoding: string): Uint8Array {
  if (encoding === "base64" || encoding === "base64url") return fromBase64(text);
  if (encoding === "hex") return fromHex(text);
  if (encoding === "latin1" || encoding === "binary" || encoding === "ascii") {
    return Uint8Array.from(text, (char) => char.charCodeAt(0));
  }
  return new TextEncoder().encode(text);
}

export class Buffer extends Uint8Array {
  static override from(value: any, encoding?: any): any {
    const bytes = typeof value === "string" ? encode(value, encoding ?? "utf8") : new Uint8Array(value);
    const buffer = new Buffer(bytes.length);
    buffer.set(bytes);
    return buffer;
  }

  static alloc(size: number, fill = 0): Buffer {
    return new Buffer(size).fill(fill);
  }

  static isBuffer(value: unknown): boolean {
    return value instanceof Buffer;
  }

  static byteLength(text: string, encoding = "utf8"): number {
    return encode(text, encoding).length;
  }

  static concat(list: Uint8Array[]): Buffer {
    const buffer = new Buffer(list.reduce((sum, part) => sum + part.length, 0));
    let at = 0;
    for (const part of list) {
      buffer.set(part, at);
      at += part.length;
    }
    return buffer;
  }

  override toString(encoding = "utf8"): string {
    const binary = () => Array.from(this, (byte) => String.fromCharCode(byte)).join("");
    switch (encoding) {
      case "base64":
        return btoa(binary());
      case "base64url":
        return btoa(binary()).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
      case "hex":
        return Array.from(this, (byte) => byte.toString(16).padStart(2, "0")).join("");
      case "latin1":
      case "binary":
      case "ascii":
        return binary();
      default:
        return new TextDecoder().decode(this);
    }
  }
}

export default { Buffer };
