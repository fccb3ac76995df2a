/** The tools of this component. Their descriptions are what models read. */

import * as z from "zod";
import { tool } from "./mcp.ts";

const Add = z
  .strictObject({
    a: z.int().describe("The first number."),
    b: z.int().describe("The number to add to it."),
  })
  .describe("Adds two whole numbers.");

export function add({ a, b }: z.infer<typeof Add>): number {
  const sum = a + b;
  if (!Number.isSafeInteger(sum)) {
    throw new Error(`the sum of ${a} and ${b} does not fit in 53 bits`);
  }
  return sum;
}

export const tools = { add: tool(Add, add) };
