/** How a call that asks is run again, in a server that waits for promises. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { McpServer, once, type Context } from "../src/index.ts";
import { handler } from "../src/light.ts";
import { Client, text, type Asks } from "./support.ts";

const form = (message: string) => ({ message, requestedSchema: { type: "object", properties: { ok: { type: "boolean" } } } });
const accept = (content: Record<string, unknown>) => ({ action: "accept", content });

function client(call: (ctx: Context) => any, answer?: (question: Asks) => any) {
  const server = new McpServer({ name: "test", version: "1" });
  server.registerTool("ask", {}, call);
  return new Client(handler(server), answer);
}

test("questions one after the other get their answers, and notifications are sent once", async () => {
  let runs = 0;
  const asking = client(
    async (ctx) => {
      runs++;
      await ctx.mcpReq.notify({ method: "notifications/progress", params: { progress: 1, total: 3 } });
      const first = await ctx.mcpReq.elicitInput(form("first?"));
      await ctx.mcpReq.log("info", "between");
      const second = await ctx.mcpReq.requestSampling({ messages: [], maxTokens: 9 });
      const third = await ctx.mcpReq.listRoots();
      return text(JSON.stringify([first, second, third]));
    },
    ({ method }) => ({ of: method }),
  );
  const told = '[{"of":"elicitation/create"},{"of":"sampling/createMessage"},{"of":"roots/list"}]';
  assert.equal(await asking.says("ask"), told);
  assert.deepEqual([runs, asking.rounds], [4, 4]);
  assert.deepEqual(asking.told, [
    ["progress", 1, 3, undefined],
    ["log", "info", undefined, "between"],
  ]);
});

test("questions in parallel are asked together, also the same one twice", async () => {
  const asking = client(
    async (ctx) => {
      const ask = async (message: string) => (await ctx.mcpReq.elicitInput(form(message))).content;
      const late = new Promise((done) => setTimeout(done, 0)).then(() => ask("late"));
      const [a, b, again] = await Promise.all([ask("a"), ask("b"), ask("a"), late]);
      return text(JSON.stringify([a, b, again]));
    },
    ({ key, params }) => accept({ to: params.message, twice: key.endsWith("-2") }),
  );
  const answers = '[{"to":"a","twice":false},{"to":"b","twice":false},{"to":"a","twice":true}]';
  assert.equal(await asking.says("ask"), answers);
  assert.deepEqual(asking.asked.slice(0, 3).map(({ params }) => params.message), ["a", "b", "a"]);
  assert.ok(asking.rounds <= 3);
});

test("decline and cancel are answers; an answer that is left out is asked for again", async () => {
  const answers: any[] = [undefined, { action: "decline" }, { action: "cancel" }];
  const asking = client(
    async (ctx) => {
      const first = await ctx.mcpReq.elicitInput(form("first?"));
      const second = await ctx.mcpReq.elicitInput(form("second?"));
      return text(`${first.action} ${second.action}`);
    },
    () => answers.shift(),
  );
  assert.equal(await asking.says("ask"), "decline cancel");
  assert.deepEqual(asking.asked.map(({ params }) => params.message), ["first?", "first?", "second?"]);
});

test("what is done once is not done again, and keeps its value", async () => {
  let done = 0;
  const asking = client(
    async (ctx) => {
      const drawn = await once("draw", async () => ({ number: Math.random(), nth: ++done }));
      const later = ctx.once("later", async () => {
        await new Promise((wait) => setTimeout(wait, 20));
        return ++done;
      });
      const { action } = await ctx.mcpReq.elicitInput(form(`take ${drawn.number}?`));
      return text(`${drawn.nth} ${await later} ${done} ${action}`);
    },
    () => accept({}),
  );
  assert.equal(await asking.says("ask"), "1 2 2 accept");
});

test("another question than before is an error that says so", async () => {
  let runs = 0;
  const asking = client(
    async (ctx) => {
      await ctx.mcpReq.elicitInput(form(`is it ${++runs}?`));
      return text("never");
    },
    () => accept({}),
  );
  await assert.rejects(asking.call("ask"), ({ code, message }: any) => {
    assert.equal(code, -32603);
    assert.match(message, /asked something else than before \(now `is it 2\?`; .*`once\(key, work\)`/);
    return true;
  });
});

test("ids that are drawn at random do not make another question", async () => {
  const asking = client(
    async (ctx) => {
      const elicitationId = String(Math.random());
      const url = `https://example.com?id=${elicitationId}`;
      const { action } = await ctx.mcpReq.elicitInput({ mode: "url", message: "look", url, elicitationId });
      return text(action);
    },
    () => accept({}),
  );
  assert.equal(await asking.says("ask"), "accept");
});

test("state that is too large is an error that says how large", async () => {
  const asking = client(
    async (ctx) => text((await ctx.mcpReq.elicitInput(form("a"))).action, (await ctx.mcpReq.elicitInput(form("b"))).action),
    () => accept({ long: "x".repeat(40_000) }),
  );
  await assert.rejects(asking.call("ask"), ({ message }: any) => /have 40\d{3} characters; at most 32768/.test(message));
});

test("what a call that ended has left behind tells nothing, and its timers do not fire", async () => {
  let fired = 0;
  const asking = client(async (ctx) => {
    setTimeout(() => fired++, 5);
    void new Promise((late) => setTimeout(late, 0)).then(() => ctx.mcpReq.log("info", "late"));
    return text("done");
  });
  assert.equal(await asking.says("ask"), "done");
  await new Promise((wait) => setTimeout(wait, 15));
  assert.equal(fired, 0);
  assert.deepEqual(asking.told, []);
});
