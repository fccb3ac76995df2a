// What both SDKs' clients have in common. The steps come on stdin and the results leave on
// stdout; see `steps.py`.

import { text } from "node:stream/consumers";

const asked = [];
let answer = {};

export function elicit({ params }) {
  asked.push(params);
  return { action: "accept", content: answer };
}

// `callTool` takes the params and options, wherever the SDK has them.
export async function performAll(client, protocolVersion, callTool) {
  tell({ protocolVersion });
  for (const step of JSON.parse(await text(process.stdin))) {
    tell(await perform(client, step, callTool));
  }
}

async function perform(client, { method, params, answer: given }, callTool) {
  const progress = [];
  const options = { onprogress: (update) => progress.push(update.progress) };
  const calls = {
    "tools/list": () => client.listTools(),
    "tools/call": () => callTool(params, options),
    "resources/list": () => client.listResources(),
    "resources/templates/list": () => client.listResourceTemplates(),
    "resources/read": () => client.readResource(params),
    "prompts/list": () => client.listPrompts(),
    "prompts/get": () => client.getPrompt(params),
    "completion/complete": () => client.complete(params),
  };
  asked.length = 0;
  answer = given;
  try {
    return { result: await calls[method](), progress, asked };
  } catch (error) {
    return { error: { code: error.code, message: error.message } };
  }
}

function tell(line) {
  console.log(JSON.stringify(line));
}
