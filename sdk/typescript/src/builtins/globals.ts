/** Globals of Node.js. A module that names one gets it. */

export { Buffer } from "./buffer.ts";
export { default as process } from "./process.ts";
