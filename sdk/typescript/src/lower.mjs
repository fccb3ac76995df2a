/**
 * Regular expressions that StarlingMonkey knows: it has no Unicode properties, so `\p{L}` becomes
 * the ranges of its characters.
 */

const PROPERTY = /\\(\\?)([pP])\{([\w=]+)\}/g;

export async function lower(code) {
  if (!/\\[pP]\{/.test(code)) return code;
  const acorn = await import("acorn").catch(() => {
    throw new Error("the code has regular expressions with Unicode properties, which need the package `acorn`: npm install --save-dev acorn");
  });
  const edits = [];
  const onToken = ({ type, start, end }) => {
    if (["regexp", "string", "template"].includes(type.label)) {
      const text = code.slice(start, end);
      const lowered = lowerText(text, type.label === "regexp");
      if (lowered !== text) edits.push({ start, end, lowered });
    }
  };
  acorn.parse(code, { ecmaVersion: "latest", sourceType: "module", onToken });
  let out = "";
  let at = 0;
  for (const { start, end, lowered } of edits) {
    out += code.slice(at, start) + lowered;
    at = end;
  }
  return out + code.slice(at);
}

/** In a regular expression the escape has one backslash, in a string two. */
function lowerText(text, regexp) {
  return text.replaceAll(PROPERTY, (whole, doubled, letter, name, offset) => {
    if (regexp === Boolean(doubled)) return whole;
    const negated = letter === "P";
    if (inClass(text.slice(0, offset))) {
      const ranges = rangesOf(name, negated);
      return ranges === undefined ? whole : doubledIf(doubled, ranges);
    }
    const ranges = rangesOf(name, false);
    return ranges === undefined ? whole : doubledIf(doubled, `[${negated ? "^" : ""}${ranges}]`);
  });
}

const doubledIf = (doubled, ranges) => (doubled ? ranges.replaceAll("\\", "\\\\") : ranges);

function inClass(before) {
  const open = before.replaceAll(/\\[^]/g, "").replaceAll(/\[(?:[^\]])*\]/g, "");
  return open.includes("[");
}

const known = new Map();

/** The characters of a property as ranges, as this Node.js knows them. */
function rangesOf(name, negated) {
  const key = `${negated ? "P" : "p"}{${name}}`;
  if (known.has(key)) return known.get(key);
  let property;
  try {
    property = new RegExp(`\\${key}`, "u");
  } catch {
    return undefined;
  }
  const ranges = [];
  let first = -1;
  for (let point = 0; point <= 0x110000; point++) {
    const fits = point < 0x110000 && property.test(String.fromCodePoint(point));
    if (fits && first < 0) first = point;
    if (!fits && first >= 0) {
      ranges.push(first === point - 1 ? escape(first) : `${escape(first)}-${escape(point - 1)}`);
      first = -1;
    }
  }
  const text = ranges.join("");
  known.set(key, text);
  return text;
}

function escape(point) {
  const hex = point.toString(16);
  return point > 0xffff ? `\\u{${hex}}` : `\\u${hex.padStart(4, "0")}`;
}
