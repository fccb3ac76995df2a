/** The prompts of this component. The descriptions are what people read. */

import { McpServer } from "spin-mcp";
import * as z from "zod";

export const server = new McpServer({ name: "plan", version: "0.1.0" });

const Trip = z.strictObject({
  from: z.string().describe("The city to start from."),
  to: z.string().describe("The city to visit."),
  days: z.int().min(1).max(14).default(2).describe("How long to stay."),
  pace: z.enum(["slow", "busy"]).default("slow").describe("How much to do in a day."),
});

server.registerPrompt(
  "trip",
  { description: "Plans a trip to a city of the guide.", argsSchema: Trip },
  (given) => ({ messages: [{ role: "user", content: { type: "text", text: trip(given) } }] }),
);

export function trip({ from, to, days, pace }: z.infer<typeof Trip>): string {
  if (from === to) throw new Error(`${to} is where the trip starts`);
  const perDay = pace === "slow" ? "one sight" : "two or more sights";
  return [
    `Plan a trip from ${from} to ${to} that lasts ${days} ${days === 1 ? "day" : "days"}.`,
    `Read the resources guide://cities/${encodeURIComponent(from)} and`,
    `guide://cities/${encodeURIComponent(to)}, and tell how far it is with the tool \`distance\`.`,
    `Plan ${perDay} a day.`,
  ].join("\n");
}
