/** The prompts of this component. The descriptions are what people read. */

import * as z from "zod";
import { prompt } from "./mcp.ts";

const Summarize = z
  .strictObject({
    text: z.string().describe("What to sum up."),
    length: z
      .enum(["sentence", "paragraph", "page"])
      .default("paragraph")
      .describe("How long the summary may be."),
  })
  .describe("Asks for a summary of a text.");

export function summarize({ text, length }: z.infer<typeof Summarize>): string {
  if (text.trim() === "") throw new Error("there is no text to sum up");
  return `Summarize this text in one ${length}:\n\n${text}`;
}

export const prompts = { summarize: prompt(Summarize, summarize) };
