// A client of the server, in revision 2026-07-28.

const REVISION = '2026-07-28';
const OF_MCP = 'io.modelcontextprotocol/';
const CAPABILITIES = {
  elicitation: { form: {}, url: {} },
  sampling: {},
  roots: {},
  extensions: { [`${OF_MCP}ui`]: { mimeTypes: ['text/html;profile=mcp-app'] } },
};

export class Refused extends Error {
  constructor(message, more) {
    super(message);
    Object.assign(this, more);
  }
}

export class Server {
  /** An access token or an API key. Nothing stores it. */
  token = '';
  /** Gets the challenge of an answer 401 or 403, and whether a token was sent. */
  challenged = () => {};
  #last = 0;

  discover() {
    return this.#send('server/discover', {}, {});
  }

  /** All pages of a list. */
  async list(method, member) {
    const all = [];
    let cursor;
    do {
      const page = await this.#send(method, cursor === undefined ? {} : { cursor }, {});
      all.push(...(page[member] ?? []));
      cursor = page.nextCursor;
    } while (cursor !== undefined);
    return all;
  }

  /**
   * Makes a call, and repeats it with what `answer` returns while the server asks for input.
   * `notice` gets progress and log messages.
   */
  async call(method, params, { name, schema, signal, notice, answer }) {
    const headers = { 'mcp-name': headerValue(name) };
    for (const [header, value] of mirrored(schema, params.arguments)) headers[`mcp-param-${header}`] = value;
    for (let asked = params; ; ) {
      const result = await this.#send(method, asked, { headers, signal, notice });
      if (result.resultType !== 'input_required') return result;
      const inputResponses = await answer(result.inputRequests ?? {});
      asked = { ...params, inputResponses, requestState: result.requestState };
    }
  }

  async #send(method, params, { headers, signal, notice }) {
    const id = ++this.#last;
    const _meta = {
      [`${OF_MCP}protocolVersion`]: REVISION,
      [`${OF_MCP}clientInfo`]: { name: 'spin-mcp-page', title: 'Page of spin mcp', version: '1' },
      [`${OF_MCP}clientCapabilities`]: CAPABILITIES,
    };
    if (notice) Object.assign(_meta, { progressToken: id, [`${OF_MCP}logLevel`]: 'debug' });
    const response = await fetch('/mcp', {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        accept: 'application/json, text/event-stream',
        'mcp-protocol-version': REVISION,
        'mcp-method': method,
        ...(this.token && { authorization: `Bearer ${this.token}` }),
        ...headers,
      },
      body: JSON.stringify({ jsonrpc: '2.0', id, method, params: { ...params, _meta } }),
      signal,
    }).catch((error) => {
      if (signal?.aborted) throw error;
      throw new Refused('the server cannot be reached', { unreachable: true });
    });
    const { status } = response;
    const challenge = response.headers.get('www-authenticate');
    if (status === 401 || (status === 403 && challenge)) this.challenged(challenge, this.token !== '');
    for await (const message of messages(response)) {
      if (message.method) notice?.(message);
      else if (message.error) {
        const { message: text, code, data } = message.error;
        throw new Refused(text, { code, data, status, challenge });
      } else if (message.result) return message.result;
    }
    throw new Refused(`the answer has no result (status ${status})`, { status, challenge });
  }
}

/** The JSON messages of an answer, or of its events. */
async function* messages(response) {
  const parse = (text) => {
    try {
      return JSON.parse(text) ?? {};
    } catch {
      throw new Refused(`the answer is not JSON (status ${response.status})`, { status: response.status });
    }
  };
  if (!response.headers.get('content-type')?.startsWith('text/event-stream')) {
    yield parse(await response.text());
    return;
  }
  let rest = '';
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    const events = (rest + value).split(/\r?\n\r?\n/);
    rest = events.pop();
    for (const event of events) {
      const data = event.split(/\r?\n/).filter((line) => line.startsWith('data:'));
      if (data.length) yield parse(data.map((line) => line.slice(5)).join('\n'));
    }
  }
}

function headerValue(text) {
  if (/^[\t -~]*$/.test(text) && text.trim() === text && !/^=\?base64\?.*\?=$/.test(text)) return text;
  return `=?base64?${btoa(String.fromCharCode(...new TextEncoder().encode(text)))}?=`;
}

/** The headers of arguments whose schema names one. */
function* mirrored(schema, values) {
  for (const [name, property] of Object.entries(schema?.properties ?? {})) {
    const value = values?.[name];
    const header = property?.['x-mcp-header'];
    if (header && ['string', 'number', 'boolean'].includes(typeof value)) yield [header, headerValue(String(value))];
    else if (value && typeof value === 'object') yield* mirrored(property, value);
  }
}

/** A challenge as parameters, such as `scope` and `error_description`. */
export function parameters(challenge) {
  const all = (challenge ?? '').matchAll(/([a-z_]+)=(?:"((?:[^"\\]|\\.)*)"|([^\s,]+))/gi);
  return Object.fromEntries([...all].map(([, name, quoted, plain]) => [name, quoted?.replace(/\\(.)/g, '$1') ?? plain]));
}
