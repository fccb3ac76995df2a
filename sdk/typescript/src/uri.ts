/** URIs, compared as RFC 3986 compares them. */

const UNRESERVED = /[A-Za-z0-9._~-]/;

/** Only those characters encoded that must be. */
export const encoded = (text: string): string =>
  text
    .replace(/[^\x21-\x7e]+/g, (text) => encodeURIComponent(text))
    .replace(/%([0-9A-Fa-f]{2})/g, (escape, digits) => {
      const character = String.fromCharCode(parseInt(digits, 16));
      return UNRESERVED.test(character) ? character : escape.toUpperCase();
    });

/** Also with scheme and host in lower case. Without `fold`, the host keeps its case. */
export function normal(uri: string, fold = true): string {
  const text = encoded(uri);
  const parts = /^([^:/?#]+)(:(?:\/\/[^/?#]*)?)([^]*)$/.exec(text);
  if (!parts) return text;
  const host = fold ? parts[2]!.toLowerCase().replace(/%[0-9a-f]{2}/g, (escape) => escape.toUpperCase()) : parts[2];
  return parts[1]!.toLowerCase() + host + parts[3];
}

/** How a server may have written this URI: as it is, encoded, or with all characters that need no ASCII. */
export function spellings(uri: string): string[] {
  const usual = normal(uri);
  const plain = usual.replace(/(%[89A-F][0-9A-F])+/g, (escapes) => {
    try {
      return decodeURIComponent(escapes);
    } catch {
      return escapes;
    }
  });
  return [...new Set([uri, usual, plain])];
}
