// MCP Apps (SEP-1865): shows the page of a tool in a frame that reaches nothing but what it declares, and is its host.

import { block } from './content.js';
import { h, json } from './dom.js';

const TYPE = 'text/html;profile=mcp-app';
const REVISION = '2026-01-26';
const TALLEST = 1600;
const SOURCE = /^(https?|wss?):\/\/[\w.*:[\]-]+[\w./~-]*$/;
const COLORS = {
  '--color-background-primary': '--card',
  '--color-background-secondary': '--ground',
  '--color-text-primary': '--text',
  '--color-text-secondary': '--soft',
  '--color-border-primary': '--line',
  '--color-ring-primary': '--accent',
};

/** The page that shows the results of a tool. */
export const pageOf = ({ _meta }) => _meta?.ui?.resourceUri ?? _meta?.['ui/resourceUri'];

/** Whether a tool is for `model` or for `app`. */
export const isFor = ({ _meta }, who) => (_meta?.ui?.visibility ?? ['model', 'app']).includes(who);

/** What the frame may reach, as the query of its address. */
function query(csp = {}) {
  const parts = Object.entries({ connect: csp.connectDomains, resource: csp.resourceDomains, frame: csp.frameDomains, base: csp.baseUriDomains });
  return parts.flatMap(([name, all]) => (Array.isArray(all) ? all : []).filter((one) => SOURCE.test(one)).map((one) => `${name}=${one}`)).join('&');
}

function context() {
  const style = getComputedStyle(document.documentElement);
  const variables = Object.fromEntries(Object.entries(COLORS).map(([name, own]) => [name, style.getPropertyValue(own).trim()]));
  const theme = matchMedia('(prefers-color-scheme: dark)').matches ? 'dark' : 'light';
  return { theme, styles: { variables: { ...variables, '--font-sans': getComputedStyle(document.body).fontFamily } } };
}

/**
 * Shows the page of `tool` for a call with `values`. `tools` are those of the server, `listed` is what the list of
 * resources says of the page, and `call` makes a request of the server.
 */
export async function open({ tool, tools, listed, values, call, place }) {
  const uri = pageOf(tool);
  const read = await call('resources/read', { uri });
  const content = read.contents?.[0] ?? {};
  if (content.mimeType !== TYPE) throw new Error(`the page ${uri} has the type ${content.mimeType}, not ${TYPE}`);
  const decoded = () => new TextDecoder().decode(Uint8Array.from(atob(content.blob), (c) => c.charCodeAt(0)));
  const html = content.text ?? decoded();
  const { csp } = content._meta?.ui ?? listed?._meta?.ui ?? {};
  const frame = h('iframe', { sandbox: 'allow-scripts allow-forms', src: `/.mcp/app?${query(csp)}`, title: `Page of ${tool.title ?? tool.name}`, height: 160 });
  const log = h('ul', { class: 'told', 'aria-label': 'What the page does', 'aria-live': 'polite' });
  const allowed = new Set();
  let [isReady, outcome] = [false];
  let ended;
  const gone = new Promise((resolve) => (ended = resolve));

  const post = (message) => frame.contentWindow?.postMessage({ jsonrpc: '2.0', ...message }, '*');
  const tell = (method, params) => post({ method, params });
  const conclude = (...message) => {
    outcome = message;
    if (isReady) tell(...outcome);
  };
  const note = (...children) => log.append(h('li', null, children));

  /** Asks the user whether the page may call a tool; once for each tool. */
  function allow(name, given) {
    if (allowed.has(name)) return true;
    return new Promise((resolve) => {
      const answer = (yes) => () => {
        card.remove();
        if (yes) allowed.add(name);
        resolve(yes);
      };
      const button = (text, kind, yes) => h('button', { type: 'button', class: kind, onclick: answer(yes) }, text);
      const card = h('div', { class: 'question', role: 'group', 'aria-label': 'Permission' },
        h('h4', null, `The page wants to call ${name}`), h('pre', null, json(given)),
        h('div', { class: 'buttons' }, button('Allow', 'primary', true), button('Refuse', 'quiet', false)));
      gone.then(answer(false));
      place.append(card);
    });
  }

  const requests = {
    'ui/initialize': () => ({
      protocolVersion: REVISION,
      hostInfo: { name: 'spin-mcp-page', version: '1' },
      hostCapabilities: { openLinks: {}, downloadFile: {}, serverTools: {}, serverResources: {}, logging: {}, message: { text: {} }, updateModelContext: { text: {}, structuredContent: {} }, sandbox: { csp: csp ?? {}, permissions: {} } },
      hostContext: {
        ...context(),
        toolInfo: { tool },
        displayMode: 'inline',
        availableDisplayModes: ['inline'],
        containerDimensions: { width: frame.clientWidth, maxHeight: TALLEST },
        locale: navigator.language,
        timeZone: Intl.DateTimeFormat().resolvedOptions().timeZone,
        userAgent: 'spin-mcp',
        platform: 'web',
      },
    }),
    ping: () => ({}),
    async 'tools/call'({ name, arguments: given = {} }) {
      const called = tools.find((one) => one.name === name && isFor(one, 'app'));
      if (!called) throw new Error(`there is no tool ${name} for pages`);
      if (!(await allow(name, given))) throw new Error('the user refused');
      note(`It calls ${name}`);
      return call('tools/call', { name, arguments: given }, called.inputSchema);
    },
    'tools/list': () => ({ tools: tools.filter((one) => isFor(one, 'app')) }),
    'resources/read'({ uri: wanted }) {
      note(`It reads ${wanted}`);
      return call('resources/read', { uri: wanted });
    },
    'ui/open-link'({ url }) {
      note('It wants to open a link: ', block({ type: 'resource_link', uri: url, name: url }));
      return {};
    },
    'ui/download-file'({ contents = [] }) {
      note('It offers to save: ', contents.map(block));
      return {};
    },
    'ui/message'({ content }) {
      note('It says: ', [content].flat().map(block));
      return {};
    },
    'ui/update-model-context'({ content = [], structuredContent }) {
      note('It tells the model: ', content.map(block), structuredContent && h('pre', null, json(structuredContent)));
      return {};
    },
    'ui/request-display-mode': () => ({ mode: 'inline' }),
  };
  const notifications = {
    // Again when the frame was away from the document.
    'ui/notifications/sandbox-proxy-ready'() {
      isReady = false;
      tell('ui/notifications/sandbox-resource-ready', { html });
    },
    'ui/notifications/initialized'() {
      isReady = true;
      tell('ui/notifications/tool-input', { arguments: values });
      if (outcome) tell(...outcome);
    },
    'ui/notifications/size-changed'({ height }) {
      if (height > 0) frame.height = Math.min(Math.ceil(height), TALLEST);
    },
    'ui/notifications/request-teardown': () => end('the page asked for it'),
    'notifications/message': ({ level, data }) => note(`${level}: `, typeof data === 'string' ? data : json(data)),
  };

  async function hear({ source, data }) {
    if (source !== frame.contentWindow || data?.jsonrpc !== '2.0') return;
    const { id, method, params = {} } = data;
    if (method === undefined) return ended();
    if (id === undefined) return Object.hasOwn(notifications, method) && notifications[method](params);
    try {
      if (!Object.hasOwn(requests, method)) throw Object.assign(new Error(`this host has no ${method}`), { code: -32601 });
      post({ id, result: await requests[method](params) });
    } catch (error) {
      post({ id, error: { code: error.code ?? -32000, message: error.message, data: error.data } });
    }
  }
  const dark = matchMedia('(prefers-color-scheme: dark)');
  const themed = () => tell('ui/notifications/host-context-changed', context());
  addEventListener('message', hear);
  dark.addEventListener('change', themed);
  place.append(frame, log);

  /** Lets the page end, and removes it. */
  async function end(reason) {
    post({ id: 'teardown', method: 'ui/resource-teardown', params: { reason } });
    setTimeout(ended, 500);
    await gone;
    removeEventListener('message', hear);
    dark.removeEventListener('change', themed);
    frame.remove();
  }
  return {
    end,
    result: (result) => conclude('ui/notifications/tool-result', result),
    canceled: (reason) => conclude('ui/notifications/tool-cancelled', { reason }),
  };
}
