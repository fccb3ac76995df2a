/** Globals of Node.js. A module that names one gets it. */

export { Buffer } from "./buffer.ts";
export { default as process } from "./process.ts";

/** Whether the module and its server are made, which happens when the component is built. */
const build = { done: false };
export const spinMcpBuilt = (): void => void (build.done = true);

// The host of a build has no random values, and all users would share them.
for (const name of ["getRandomValues", "randomUUID"] as const) {
  const draw: any = crypto[name].bind(crypto);
  (crypto as any)[name] = (...given: unknown[]) => {
    if (build.done) return draw(...given);
    throw new Error(`\`crypto.${name}\` is called while the component is built, so all users would have the same value; call it in a tool`);
  };
}
