/** The tools of this component. Their descriptions are what models read. */

import { McpServer } from "spin-mcp";
import * as z from "zod";

export const server = new McpServer({ name: "{{project-name | kebab_case}}", version: "0.1.0" });

const Add = z.strictObject({
  a: z.int().describe("The first number."),
  b: z.int().describe("The number to add to it."),
});

server.registerTool(
  "add",
  { description: "Adds two whole numbers.", inputSchema: Add },
  (given) => ({ content: [{ type: "text", text: `${add(given)}` }] }),
);

export function add({ a, b }: z.infer<typeof Add>): number {
  const sum = a + b;
  if (!Number.isSafeInteger(sum)) {
    throw new Error(`the sum of ${a} and ${b} does not fit in 53 bits`);
  }
  return sum;
}
