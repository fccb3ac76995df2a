/** What MCP says as JSON, as the contract types it. */

import { u64 } from "spin-mcp/engine";
import type { Json } from "./run.ts";
import { tidy } from "./schema.ts";

const json = (value: Json) => (value === undefined ? undefined : JSON.stringify(value));

/** Absent members must be absent: `undefined` is no value to every engine. */
function present(record: Record<string, Json>): Json {
  return Object.fromEntries(Object.entries(record).filter(([, value]) => value != null));
}

const ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/** QuickJS has no `atob`. */
export function bytes(base64: string): Uint8Array {
  const text = base64.replaceAll("-", "+").replaceAll("_", "/").replace(/[\s=]+/g, "");
  const out = new Uint8Array(Math.floor((text.length * 3) / 4));
  for (let at = 0, bits = 0, held = 0, to = 0; at < text.length; at++) {
    const six = ALPHABET.indexOf(text[at]!);
    if (six < 0) throw new Error(`\`${text[at]}\` is not base64; binary data must be encoded`);
    held = ((held << 6) | six) & 0xffff;
    bits += 6;
    if (bits >= 8) out[to++] = (held >> (bits -= 8)) & 0xff;
  }
  return out;
}

const annotations = (of: Json) =>
  of && present({ audience: of.audience ?? [], priority: of.priority, lastModified: of.lastModified });

const icons = (of: Json) =>
  (of ?? []).map((icon: Json) =>
    present({ src: icon.src, mimeType: icon.mimeType, sizes: icon.sizes ?? [], theme: icon.theme }),
  );

const cache = (of: Json) =>
  typeof of.ttlMs === "number"
    ? { ttlMs: u64(of.ttlMs), scope: of.cacheScope === "public" ? "public" : "private" }
    : undefined;

function common(of: Json): Record<string, Json> {
  return {
    name: of.name,
    title: of.title,
    description: of.description,
    icons: icons(of.icons),
    meta: json(of._meta),
  };
}

const resource = (of: Json) =>
  present({
    ...common(of),
    uri: of.uri,
    mimeType: of.mimeType,
    size: of.size === undefined ? undefined : u64(of.size),
    annotations: annotations(of.annotations),
  });

const contents = (of: Json) =>
  present({
    uri: of.uri,
    mimeType: of.mimeType,
    meta: json(of._meta),
    body: of.blob === undefined ? { tag: "text", val: of.text } : { tag: "blob", val: bytes(of.blob) },
  });

function block(of: Json): Json {
  const about = { annotations: annotations(of.annotations), meta: json(of._meta) };
  switch (of.type) {
    case "text":
      return { tag: "text", val: present({ text: of.text, ...about }) };
    case "image":
    case "audio":
      return { tag: of.type, val: present({ data: bytes(of.data), mimeType: of.mimeType, ...about }) };
    case "resource_link":
      return { tag: "resource-link", val: resource(of) };
    case "resource":
      return { tag: "embedded-resource", val: present({ contents: contents(of.resource), ...about }) };
    default:
      throw new Error(`there is no content of type \`${of.type}\``);
  }
}

const page = (of: Json) => ({ nextCursor: of.nextCursor, cache: cache(of) });

export const toolList = (of: Json) =>
  present({
    ...page(of),
    tools: of.tools.map((tool: Json) =>
      present({
        ...common(tool),
        inputSchema: JSON.stringify(tidy({ type: "object", ...tool.inputSchema })),
        outputSchema: json(tool.outputSchema && tidy(tool.outputSchema)),
        annotations:
          tool.annotations &&
          present({
            title: tool.annotations.title,
            readOnly: tool.annotations.readOnlyHint,
            destructive: tool.annotations.destructiveHint,
            idempotent: tool.annotations.idempotentHint,
            openWorld: tool.annotations.openWorldHint,
          }),
      }),
    ),
  });

/** JSON would have `null` for it. */
function endless(value: Json): number | undefined {
  if (typeof value === "number") return Number.isFinite(value) ? undefined : value;
  if (value === null || typeof value !== "object") return undefined;
  return Object.values(value).map(endless).find((found) => found !== undefined);
}

export function toolResult(of: Json): Json {
  const odd = endless(of.structuredContent);
  if (odd !== undefined) return toolResult({ content: [{ type: "text", text: `JSON has no ${odd}` }], isError: true });
  return present({
    content: (of.content ?? []).filter((one: Json) => one.type !== "text" || one.text !== "").map(block),
    structuredContent: json(of.structuredContent),
    isError: of.isError ?? false,
    meta: json(of._meta),
  });
}

export const resourceList = (of: Json) => present({ ...page(of), resources: of.resources.map(resource) });

export const resourceTemplateList = (of: Json) =>
  present({
    ...page(of),
    resourceTemplates: of.resourceTemplates.map((template: Json) => {
      const { uri: _, size: __, ...about } = resource(template);
      return { ...about, uriTemplate: template.uriTemplate };
    }),
  });

export const readResult = (of: Json) =>
  present({ contents: of.contents.map(contents), cache: cache(of), meta: json(of._meta) });

export const promptList = (of: Json) =>
  present({
    ...page(of),
    prompts: of.prompts.map((prompt: Json) =>
      present({
        ...common(prompt),
        arguments: (prompt.arguments ?? []).map((one: Json) =>
          present({
            name: one.name,
            title: one.title,
            description: one.description,
            required: one.required ?? false,
          }),
        ),
      }),
    ),
  });

export const promptResult = (of: Json) =>
  present({
    description: of.description,
    messages: of.messages.map((one: Json) => ({ role: one.role, content: block(one.content) })),
    meta: json(of._meta),
  });

export const completion = ({ completion: of }: Json) =>
  present({ values: of.values.map(String), total: of.total, hasMore: of.hasMore ?? false });
