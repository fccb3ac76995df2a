/** The prompts of this component. The descriptions are what people read. */

import { McpServer } from "spin-mcp";
import * as z from "zod";

export const server = new McpServer({ name: "{{project-name | kebab_case}}", version: "0.1.0" });

const Summarize = z.strictObject({
  text: z.string().describe("What to sum up."),
  length: z
    .enum(["sentence", "paragraph", "page"])
    .default("paragraph")
    .describe("How long the summary may be."),
});

server.registerPrompt(
  "summarize",
  { description: "Asks for a summary of a text.", argsSchema: Summarize },
  (given) => ({
    messages: [{ role: "user", content: { type: "text", text: summarize(given) } }],
  }),
);

export function summarize({ text, length }: z.infer<typeof Summarize>): string {
  if (text.trim() === "") throw new Error("there is no text to sum up");
  return `Summarize this text in one ${length}:\n\n${text}`;
}
