/** Tools with a page (MCP Apps), with the names of `@modelcontextprotocol/ext-apps/server`. */

import type { Schema } from "./schema.ts";
import type { CallToolResult, Callback, McpServer, Read, ResourceConfig, ToolConfig } from "./server.ts";

export const RESOURCE_MIME_TYPE = "text/html;profile=mcp-app";

/** What shows the results of a tool, and who calls it. */
export type AppTool = { resourceUri?: string; visibility?: ("model" | "app")[] };
/** What a page may reach. */
export type AppResource = {
  csp?: { connectDomains?: string[]; resourceDomains?: string[]; frameDomains?: string[]; baseUriDomains?: string[] };
  permissions?: { [name in "camera" | "microphone" | "geolocation" | "clipboardWrite"]?: {} };
  domain?: string;
  prefersBorder?: boolean;
};

export function registerAppTool<Input extends Schema | undefined = undefined>(
  server: McpServer,
  name: string,
  config: ToolConfig<Input, Schema> & { _meta: { ui: AppTool } },
  call: Callback<Input, CallToolResult>,
): void {
  server.registerTool(name, config, call);
}

export function registerAppResource(
  server: McpServer,
  name: string,
  uri: string,
  config: ResourceConfig & { _meta?: { ui?: AppResource } },
  read: Read<string>,
): void {
  server.registerResource(name, uri, { mimeType: RESOURCE_MIME_TYPE, ...config }, read);
}
