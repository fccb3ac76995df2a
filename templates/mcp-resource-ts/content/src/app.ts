/** The resources of this component. The descriptions are what models read. */

import { McpServer, ResourceTemplate } from "spin-mcp";

export const server = new McpServer({ name: "{{project-name | kebab_case}}", version: "0.1.0" });

server.registerResource(
  "notes",
  "notes://{{project-name | kebab_case}}/",
  { description: "The names of all notes, one on each line.", mimeType: "text/plain" },
  (uri) => ({ contents: [{ uri: uri.href, text: names().join("\n") }] }),
);

server.registerResource(
  "note",
  new ResourceTemplate("notes://{{project-name | kebab_case}}/{name}", {
    list: undefined,
    complete: { name: (typed) => names().filter((name) => name.startsWith(typed)) },
  }),
  { description: "One note.", mimeType: "text/plain" },
  (uri, { name }) => {
    const text = note(name);
    return text === undefined ? undefined : { contents: [{ uri: uri.href, text }] };
  },
);

const NOTES = new Map([
  ["shopping", "Milk, flour and eggs."],
  ["travel", "The train leaves at 9."],
]);

function names(): string[] {
  return [...NOTES.keys()];
}

export function note(name: string): string | undefined {
  return NOTES.get(name);
}
