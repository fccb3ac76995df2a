/** `node:process`: what servers use of it. There is one process for all, without environment. */

const write = (text: unknown): boolean => {
  console.error(String(text).replace(/\n$/, ""));
  return true;
};
const none = () => process;

const process = {
  argv: ["node", "server"],
  env: {} as Record<string, string | undefined>,
  pid: 1,
  platform: "wasi",
  version: "",
  versions: {},
  stdout: { write, isTTY: false },
  stderr: { write, isTTY: false },
  cwd: () => "/",
  on: none,
  once: none,
  off: none,
  nextTick: (work: (...given: unknown[]) => void, ...given: unknown[]) => queueMicrotask(() => work(...given)),
  hrtime: Object.assign(() => [Math.floor(performance.now() / 1e3), 0], {
    bigint: () => BigInt(Math.floor(performance.now() * 1e6)),
  }),
  exit(code = 0): never {
    throw new Error(`the server ended with exit status ${code}`);
  },
};

export default process;
export const { argv, env, pid, platform, version, versions, stdout, stderr, cwd, on, once, off, nextTick, hrtime, exit } = process;
