// What results contain. Nothing of a server is shown as HTML, and no address of it is fetched.

import { h, json } from './dom.js';

const pre = (text, label) => h('pre', { tabindex: 0, role: 'region', 'aria-label': label }, text);

/** A link that the user can follow, or else a text. */
function link(uri, text) {
  const url = URL.canParse(uri) ? new URL(uri) : undefined;
  if (!['http:', 'https:'].includes(url?.protocol)) return h('code', null, uri);
  return h('a', { href: url.href, target: '_blank', rel: 'noopener noreferrer' }, text ?? uri);
}

function size(base64) {
  const bytes = Math.floor((base64.length * 3) / 4);
  return bytes < 2048 ? `${bytes} bytes` : `${Math.round(bytes / 1024)} KB`;
}

/** Data in base64, as what its type says. */
function data(base64, type, label) {
  const [family] = /^(image|audio)\/[\w.+-]+$/.exec(type ?? '')?.slice(1) ?? [];
  const src = `data:${type};base64,${base64}`;
  if (family === 'image') return h('img', { src, alt: label });
  if (family === 'audio') return h('audio', { src, controls: true, 'aria-label': label });
  const file = h('button', { type: 'button', class: 'quiet' }, `Save ${size(base64)}`);
  file.addEventListener('click', () => {
    const bytes = Uint8Array.from(atob(base64), (c) => c.charCodeAt(0));
    const href = URL.createObjectURL(new Blob([bytes], { type: 'application/octet-stream' }));
    h('a', { href, download: label.split(/[/\\]/).pop() || 'file' }).click();
    setTimeout(() => URL.revokeObjectURL(href), 1000);
  });
  return file;
}

const caption = (kind, ...more) => h('p', { class: 'kind' }, h('span', null, kind), more);

/** The contents of a resource. */
export function contents(one) {
  const { uri = '', mimeType, text, blob } = one ?? {};
  const head = caption(mimeType ?? 'no type', h('code', null, uri));
  if (typeof blob === 'string') return h('div', { class: 'block' }, head, data(blob, mimeType, uri));
  let shown = String(text ?? '');
  if (/\bjson\b/.test(mimeType)) {
    try {
      shown = json(JSON.parse(shown));
    } catch {
      // It is shown as it is.
    }
  }
  return h('div', { class: 'block' }, head, pre(shown, uri));
}

export function block(one) {
  const wrap = (kind, ...children) => h('div', { class: 'block' }, caption(kind), children);
  switch (one?.type) {
    case 'text':
      return wrap('text', pre(String(one.text), 'Text'));
    case 'image':
      return wrap(`image ${one.mimeType}`, data(String(one.data), one.mimeType, 'Image of the result'));
    case 'audio':
      return wrap(`audio ${one.mimeType}`, data(String(one.data), one.mimeType, 'Audio of the result'));
    case 'resource':
      return contents(one.resource);
    case 'resource_link': {
      const read = h('a', { href: `#read/${encodeURIComponent(one.uri)}` }, 'Read it from the server');
      return wrap('link', h('p', null, link(String(one.uri), one.title ?? one.name), ' ', one.mimeType), one.description && h('p', null, one.description), h('p', null, read));
    }
    default:
      return wrap(String(one?.type ?? 'unknown'), pre(json(one), 'JSON'));
  }
}

/** A value as JSON that can be opened. */
export function details(title, value, open) {
  return h('details', { open }, h('summary', null, title), pre(json(value), title));
}

export { link };
