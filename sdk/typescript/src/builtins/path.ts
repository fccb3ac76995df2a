/** `node:path`, for paths with `/`. */

export const sep = "/";

export function normalize(path: string): string {
  const absolute = path.startsWith("/");
  const out: string[] = [];
  for (const part of path.split("/")) {
    if (part === "" || part === ".") continue;
    if (part === ".." && out.length > 0 && out.at(-1) !== "..") out.pop();
    else if (part !== ".." || !absolute) out.push(part);
  }
  return (absolute ? "/" : "") + out.join("/") || ".";
}

export const join = (...parts: string[]): string => normalize(parts.filter(Boolean).join("/"));

export function resolve(...parts: string[]): string {
  const absolute = parts.findLastIndex((part) => part.startsWith("/"));
  return join("/", ...parts.slice(Math.max(absolute, 0)));
}

export function dirname(path: string): string {
  const at = path.replace(/\/+$/, "").lastIndexOf("/");
  return at < 0 ? "." : path.slice(0, at) || "/";
}

export function basename(path: string, suffix = ""): string {
  const name = path.replace(/\/+$/, "").split("/").at(-1) ?? "";
  return name !== suffix && name.endsWith(suffix) ? name.slice(0, name.length - suffix.length) : name;
}

export function extname(path: string): string {
  const name = basename(path);
  const at = name.lastIndexOf(".");
  return at > 0 ? name.slice(at) : "";
}

export const isAbsolute = (path: string): boolean => path.startsWith("/");

const path = { sep, normalize, join, resolve, dirname, basename, extname, isAbsolute };
export const posix = path;
export default { ...path, posix };
