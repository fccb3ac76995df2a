/** `node:module`: packages read their version out of their `package.json` with it. */

declare const SPIN_MCP_PACKAGES: Record<string, { name: string; version: string }>;

export function createRequire(_from: string | URL) {
  return (path: string) => {
    const found = SPIN_MCP_PACKAGES[path.replace("file://", "")];
    if (found) return found;
    throw new Error(`cannot require \`${path}\`: a component has only what the bundler found`);
  };
}

export default { createRequire };
