/** The resources of this component. The descriptions are what models read. */

import { resource, template } from "./mcp.ts";

export const resources = [
  resource("notes://{{project-name | kebab_case}}/", {
    name: "notes",
    description: "The names of all notes, one on each line.",
    mimeType: "text/plain",
    read: () => names().join("\n"),
  }),
];

export const templates = [
  template("notes://{{project-name | kebab_case}}/{name}", {
    name: "note",
    description: "One note.",
    mimeType: "text/plain",
    read: ({ name }) => note(name),
    completions: { name: names },
  }),
];

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
