// The page: what the server offers, what it was asked, and how clients connect to it.

import { isFor, open, pageOf } from './app.js';
import { details, block, contents } from './content.js';
import { h, say, snippet, unique } from './dom.js';
import { form } from './form.js';
import { answers } from './input.js';
import { Server, parameters } from './mcp.js';
import { expand, variables } from './template.js';

const POLL = 1000;
const KEPT = 200;
const at = (id) => document.getElementById(id);
const server = new Server();
const views = new Map();
let info = {};
let lists = {};
let clients;
let running;
let last = 0;

// ---- What the server offers

const KINDS = [
  { kind: 'tool', title: 'Tools', list: 'tools/list', member: 'tools', key: 'name', view: toolView },
  { kind: 'prompt', title: 'Prompts', list: 'prompts/list', member: 'prompts', key: 'name', view: promptView },
  { kind: 'resource', title: 'Resources', list: 'resources/list', member: 'resources', key: 'uri', view: resourceView },
  { kind: 'template', title: 'Resource templates', list: 'resources/templates/list', member: 'resourceTemplates', key: 'uriTemplate', view: templateView },
];

async function refresh() {
  const failures = [];
  try {
    info = await server.discover();
  } catch (error) {
    info = { instructions: '' };
    failures.push(error);
  }
  const { capabilities = {} } = info;
  const fresh = KINDS.map(async ({ kind, list, member }) => {
    const offered = capabilities[list.split('/')[0]];
    return [kind, offered ? await server.list(list, member) : []];
  });
  lists = {};
  for (const settled of await Promise.allSettled(fresh)) {
    if (settled.status === 'fulfilled') lists[settled.value[0]] = settled.value[1];
    else failures.push(settled.reason);
  }
  const { name = 'MCP server', version = '' } = info._meta?.['io.modelcontextprotocol/serverInfo'] ?? {};
  at('name').textContent = document.title = String(name);
  at('version').textContent = version && `version ${version}`;
  state(failures[0]?.message ?? '', failures.length > 0);
  drawLists();
  route();
}

function state(text, failed) {
  at('state').textContent = text;
  at('state').className = failed ? 'failed' : '';
}

function drawLists() {
  const wanted = at('filter').value.toLowerCase();
  const groups = KINDS.map(({ kind, title, key }) => {
    const all = lists[kind] ?? [];
    const shown = all.filter((one) => `${one[key]} ${one.title ?? ''} ${one.name}`.toLowerCase().includes(wanted));
    const id = unique('group');
    const items = shown.map((one) =>
      h('li', null, h('a', { href: `#${kind}/${encodeURIComponent(one[key])}`, title: one[key] }, one.title ?? one.annotations?.title ?? one.name ?? one[key])));
    return all.length && [h('h2', { id }, title, h('small', null, all.length)), h('ul', { 'aria-labelledby': id }, items)];
  });
  at('lists').replaceChildren(...groups.flat().filter(Boolean));
  mark();
}

function mark() {
  for (const link of document.querySelectorAll('nav a')) {
    if (link.getAttribute('href') === (location.hash || '#')) link.setAttribute('aria-current', 'page');
    else link.removeAttribute('aria-current');
  }
}

// ---- Views

function route() {
  const [kind, rest = ''] = location.hash.slice(1).split(/\/(.*)/s);
  const of = KINDS.find((one) => one.kind === kind);
  const key = decoded(rest);
  const found = of && lists[kind]?.find((one) => one[of.key] === key);
  let view;
  if (kind === 'requests') view = requestsView();
  else if (kind === 'read') view = kept(`read/${key}`, { uri: key }, resourceView);
  else if (found) view = kept(location.hash, found, of.view);
  else view = overview(of && !found && lists[kind] ? `The server has no ${kind} ${key}` : undefined);
  if (at('view').firstChild !== view) at('view').replaceChildren(view);
  mark();
}

function decoded(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** A view keeps what the user typed, until the server describes the thing differently. */
function kept(hash, thing, make) {
  const shape = JSON.stringify(thing);
  if (views.get(hash)?.shape !== shape) views.set(hash, { shape, view: make(thing) });
  return views.get(hash).view;
}

const heading = (text) => h('h2', { tabindex: -1 }, text);

function overview(missing) {
  const tools = Object.values(lists).flat().length;
  const url = `${location.origin}/mcp`;
  return h('article', null,
    heading(at('name').textContent),
    missing && h('p', { class: 'wrong' }, missing),
    info.instructions && h('p', { class: 'prose' }, info.instructions),
    !info.instructions && h('p', { class: 'prose soft' }, tools ? 'Choose what to try.' : 'This server offers nothing yet.'),
    h('section', { class: 'card' },
      h('h3', null, 'Connect a client'),
      h('p', null, 'The address of this server:'),
      snippet(url, 'the address'),
      clients?.map(({ title, file, text, command }) =>
        h('details', { name: 'client' }, h('summary', null, title),
          command && [h('p', null, 'Run'), snippet(command, `the command for ${title}`)],
          h('p', null, command ? 'or write to ' : 'Write to ', h('code', null, file)),
          snippet(text, `the entry for ${title}`)))));
}

function toolView(tool) {
  const { readOnlyHint, destructiveHint, idempotentHint, openWorldHint } = tool.annotations ?? {};
  const hints = [readOnlyHint && 'reads only', destructiveHint && 'can destroy', idempotentHint && 'same when repeated', openWorldHint && 'reaches the outside'];
  const fields = form(tool.inputSchema ?? {}, `Arguments of ${tool.name}`);
  return call({
    thing: tool,
    kind: 'Tool',
    hints: hints.concat(pageOf(tool) && 'has a page', !isFor(tool, 'model') && 'for pages only').filter(Boolean),
    page: pageOf(tool) && ((more) => open({ tool, tools: lists.tool, listed: lists.resource?.find((one) => one.uri === pageOf(tool)), ...more })),
    fields,
    verb: 'Call',
    method: 'tools/call',
    schema: tool.inputSchema,
    params: (values) => ({ name: tool.name, arguments: values }),
    show: (result) => [
      (result.content ?? []).map(block),
      result.structuredContent !== undefined && details('Structured content', result.structuredContent, !result.content?.length),
    ],
    more: [details('Input schema', tool.inputSchema), tool.outputSchema && details('Output schema', tool.outputSchema)],
  });
}

function promptView(prompt) {
  const all = prompt.arguments ?? [];
  const properties = Object.fromEntries(all.map((one) => [one.name, { type: 'string', title: one.title, description: one.description }]));
  const required = all.filter((one) => one.required).map((one) => one.name);
  return call({
    thing: prompt,
    kind: 'Prompt',
    fields: form({ type: 'object', properties, required }, `Arguments of ${prompt.name}`),
    verb: 'Get',
    method: 'prompts/get',
    params: (values) => ({ name: prompt.name, arguments: values }),
    show: (result) => [
      result.description && h('p', null, result.description),
      (result.messages ?? []).map((one) => h('div', { class: 'message' }, h('h4', null, one.role), [one.content].flat().map(block))),
    ],
  });
}

function resourceView(resource) {
  return call({
    thing: { name: resource.uri, ...resource },
    kind: 'Resource',
    verb: 'Read',
    method: 'resources/read',
    params: () => ({ uri: resource.uri }),
    show: (result) => (result.contents ?? []).map(contents),
    code: resource.uri,
  });
}

function templateView(template) {
  const names = variables(template.uriTemplate);
  const properties = Object.fromEntries(names.map((name) => [name, { type: 'string' }]));
  return call({
    thing: template,
    kind: 'Resource template',
    fields: form({ type: 'object', properties }, `Variables of ${template.name}`),
    verb: 'Read',
    method: 'resources/read',
    params: (values) => ({ uri: expand(template.uriTemplate, values) }),
    show: (result) => (result.contents ?? []).map(contents),
    code: template.uriTemplate,
  });
}

/** A view with a form, a call, and its result. */
function call({ thing, kind, hints = [], fields, verb, method, params, schema, show, more, code, page }) {
  const title = thing.title ?? thing.annotations?.title ?? thing.name;
  const run = h('button', { class: 'primary' }, verb);
  const cancel = h('button', { type: 'button', class: 'quiet', hidden: true }, 'Cancel');
  const out = h('section', { class: 'card result', hidden: true, 'aria-label': 'Result' });
  const body = h('form', { class: 'card', novalidate: true, 'aria-label': `${verb} ${title}` }, fields?.element, h('div', { class: 'buttons' }, run, cancel));
  let stop;
  let shown;
  cancel.addEventListener('click', () => stop.abort());
  body.addEventListener('keydown', (event) => {
    if (event.key === 'Enter' && (event.ctrlKey || event.metaKey)) body.requestSubmit();
  });
  body.addEventListener('submit', async (event) => {
    event.preventDefault();
    const values = fields ? fields.read() : {};
    if (!values || run.hidden) return;
    const asked = params(values);
    const name = asked.name ?? asked.uri;
    stop = new AbortController();
    const { signal } = stop;
    const line = h('p', { class: 'line' }, 'Running…');
    const live = h('div', { class: 'live' });
    const answer = async (all) => {
      line.textContent = 'Waiting for your answer';
      say(line.textContent);
      const given = await answers(all, live, signal);
      line.textContent = 'Running…';
      return given;
    };
    out.replaceChildren(line, live);
    out.hidden = false;
    out.setAttribute('aria-busy', 'true');
    [run.hidden, cancel.hidden] = [true, false];
    say(`${title} runs`);
    const start = performance.now();
    let ended;
    await shown?.end('the tool is called again');
    shown = undefined;
    if (page) {
      const frame = h('div', { class: 'app' });
      out.append(frame);
      const asks = (method, params, schema) => server.call(method, params, { name: params.name ?? params.uri, schema, answer: (all) => answers(all, frame, new AbortController().signal) });
      try {
        shown = await page({ values, call: asks, place: frame });
      } catch (error) {
        frame.append(h('p', { class: 'wrong' }, `The page cannot be shown: ${error.message}`));
      }
    }
    try {
      const result = await server.call(method, asked, { name, schema, signal, notice: notices(live), answer });
      shown?.result(result);
      ended = result.isError ? 'The tool reports a failure' : 'Done';
      out.append(...[show(result)].flat(3).filter(Boolean), details('The whole result', result));
      out.classList.toggle('failed', result.isError === true);
    } catch (error) {
      shown?.canceled(error.message);
      ended = signal.aborted ? 'Canceled' : error.code === undefined ? 'No result' : `Error ${error.code}`;
      if (!signal.aborted) out.append(h('p', { class: 'prose' }, error.message), error.data === undefined ? '' : details('Data of the error', error.data, true));
      out.classList.toggle('failed', !signal.aborted);
    }
    const took = performance.now() - start;
    line.textContent = `${ended} after ${took < 1000 ? `${took.toFixed(0)} ms` : `${(took / 1000).toFixed(1)} s`}`;
    out.setAttribute('aria-busy', 'false');
    say(`${title}: ${line.textContent}`);
    [run.hidden, cancel.hidden] = [false, true];
    if (out.contains(document.activeElement) || document.activeElement === document.body) run.focus();
  });
  return h('article', null,
    h('p', { class: 'kind' }, h('span', null, kind), hints.map((hint) => h('span', null, hint))),
    heading(title),
    h('p', { class: 'code' }, (code ?? thing.name) !== title && h('code', null, code ?? thing.name), thing.mimeType && h('span', null, ` ${thing.mimeType}`)),
    thing.description && h('p', { class: 'prose' }, thing.description),
    body, out, more);
}

/** Shows what a call says while it runs. */
function notices(place) {
  const bar = h('progress', { 'aria-label': 'Progress' });
  const text = h('p', { class: 'soft' });
  const log = h('ol', { class: 'log', 'aria-label': 'Log messages' });
  return ({ method, params = {} }) => {
    if (method === 'notifications/progress') {
      if (!bar.isConnected) place.prepend(bar, text);
      if (params.total > 0) Object.assign(bar, { max: params.total, value: params.progress });
      text.textContent = [params.total ? `${params.progress} of ${params.total}` : params.progress, params.message].filter(Boolean).join(': ');
    } else if (method === 'notifications/message') {
      if (!log.isConnected) place.append(log);
      const said = typeof params.data === 'string' ? params.data : JSON.stringify(params.data);
      log.append(h('li', { class: params.level }, h('span', null, params.level), params.logger && h('span', null, params.logger), said));
    }
  };
}

// ---- What the server was asked

const table = h('tbody');
const none = h('p', { class: 'soft' }, 'Nothing was asked yet.');
const log = h('article', null,
  heading('Requests'),
  h('p', { class: 'prose soft' }, 'The last requests of all clients, the newest first. Neither arguments nor results are kept.'),
  none,
  h('div', { class: 'card table', tabindex: 0, role: 'region', 'aria-label': 'Requests' },
    h('table', null, h('thead', null, h('tr', null, ['Time', 'Method', 'Name', 'Status', 'Took'].map((name) => h('th', { scope: 'col' }, name)))), table)));

function requestsView() {
  none.hidden = table.rows.length > 0;
  log.lastChild.hidden = !none.hidden;
  return log;
}

function drawRequest({ time, method, name, status, error, ms }) {
  const about = [name, error && h('small', null, error)];
  const cells = [new Date(time).toLocaleTimeString(), method, about, status, `${ms.toFixed(1)} ms`];
  table.prepend(h('tr', { class: error || status >= 400 ? 'failed' : '' }, cells.map((cell) => h('td', null, cell))));
  while (table.rows.length > KEPT) table.lastChild.remove();
}

async function poll() {
  if (!document.hidden) {
    try {
      const response = await fetch(`/.mcp/requests?after=${last}`);
      const news = await response.json();
      if (running !== undefined && news.server !== running) {
        const restarted = news.server.split('.')[0] !== running.split('.')[0];
        if (restarted) last = 0;
        await refresh();
        say('The server changed; the lists are fresh');
        state('The server changed');
        setTimeout(() => state(''), 4000);
      } else if (gone) await refresh();
      running = news.server;
      gone = false;
      for (const one of news.requests.filter((one) => one.number > last)) drawRequest(one);
      last = news.last;
      at('count').textContent = last;
      requestsView();
    } catch {
      gone = true;
      state('The server cannot be reached', true);
    }
  }
  setTimeout(poll, POLL);
}
let gone = false;

// ---- Who asks

function credentials(open) {
  at('credentials').hidden = !open;
  at('key').setAttribute('aria-expanded', String(open));
  if (open) at('token').focus();
}

server.challenged = (challenge, sent) => {
  const { error, error_description: why, scope, resource_metadata: metadata } = parameters(challenge);
  const said = [
    error === 'insufficient_scope' ? 'The credentials do not suffice for this.' : sent ? 'The server does not accept these credentials.' : 'This server needs to know who asks.',
    why && `It says: ${why}.`,
    scope && `It needs the scopes: ${scope}.`,
    metadata && 'It takes access tokens of its authorization server.',
  ];
  at('challenge').textContent = said.filter(Boolean).join(' ');
  if (at('credentials').hidden) credentials(true);
};
at('key').addEventListener('click', () => credentials(at('credentials').hidden));
at('credentials').addEventListener('submit', (event) => {
  event.preventDefault();
  server.token = at('token').value.trim();
  credentials(false);
  refresh();
});
at('forget').addEventListener('click', () => {
  server.token = at('token').value = '';
  refresh();
});

// ---- The frame

const menu = (open) => {
  at('side').classList.toggle('open', open);
  at('menu').setAttribute('aria-expanded', String(open));
};
at('menu').addEventListener('click', () => menu(!at('side').classList.contains('open')));
at('filter').addEventListener('input', drawLists);
document.querySelector('.skip').addEventListener('click', (event) => {
  event.preventDefault();
  at('main').focus();
});
addEventListener('hashchange', () => {
  menu(false);
  route();
  at('view').querySelector('h2')?.focus();
  scrollTo(0, 0);
});

clients = await fetch('/.mcp/clients').then((response) => response.json()).catch(() => []);
await refresh();
poll();
