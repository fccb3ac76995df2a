/** `node:url`. */

const { URL, URLSearchParams } = globalThis;
export { URL, URLSearchParams };
export const fileURLToPath = (url: string | URL): string => decodeURIComponent(new URL(url).pathname);
export const pathToFileURL = (path: string): URL => new URL(`file://${encodeURI(path)}`);
export default { URL, URLSearchParams, fileURLToPath, pathToFileURL };
