// What a server asks for in the middle of a call, and what the user answers.

import { h, unique } from './dom.js';
import { form } from './form.js';
import { block, link } from './content.js';

/** Shows all questions, and resolves with an answer for each key. */
export async function answers(requests, place, signal) {
  const cards = Object.entries(requests).map(([key, request]) => [key, card(request ?? {})]);
  const shown = h('div', { class: 'questions' }, cards.map(([, { element }]) => element));
  place.append(shown);
  const first = '.fields :is(input, textarea, select)';
  (shown.querySelector(first) ?? shown.querySelector('textarea, button'))?.focus();
  try {
    const gone = new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason), { once: true }));
    const all = cards.map(async ([key, { answer }]) => [key, await answer]);
    return Object.fromEntries(await Promise.race([Promise.all(all), gone]));
  } finally {
    shown.remove();
  }
}

function card({ method, params = {} }) {
  switch (method) {
    case 'elicitation/create':
      return params.mode === 'url' ? visit(params) : elicit(params);
    case 'sampling/createMessage':
      return sample(params);
    case 'roots/list':
      return roots();
    default:
      return question(`The server asks for ${method}`, [], { Answer: () => ({}) });
  }
}

/** A card with a button for each answer. A button that returns nothing leaves the card open. */
function question(title, body, buttons) {
  const id = unique('question');
  let settle;
  const answer = new Promise((resolve) => (settle = resolve));
  const all = Object.entries(buttons).map(([name, make], index) => {
    const button = h('button', { type: index ? 'button' : 'submit', class: index ? 'quiet' : 'primary' }, name);
    if (index) button.addEventListener('click', () => finish(make));
    return button;
  });
  const [[, first]] = Object.entries(buttons);
  const element = h('form', { class: 'question', 'aria-labelledby': id, novalidate: true }, h('h4', { id }, title), body, h('div', { class: 'buttons' }, all));
  element.addEventListener('submit', (event) => {
    event.preventDefault();
    finish(first);
  });
  function finish(make) {
    const value = make();
    if (!value) return;
    element.inert = true;
    settle(value);
  }
  return { element, answer };
}

const refusals = { Decline: () => ({ action: 'decline' }), Dismiss: () => ({ action: 'cancel' }) };

function elicit({ message, requestedSchema }) {
  const fields = form({ type: 'object', ...requestedSchema }, 'Answer');
  const accept = () => {
    const content = fields.read();
    return content && { action: 'accept', content };
  };
  return question(String(message ?? 'The server asks'), fields.element, { Accept: accept, ...refusals });
}

function visit({ message, url }) {
  const host = URL.canParse(url) ? new URL(url).host : 'an address that is not a URL';
  const body = h('p', null, 'It wants you to open a page of ', h('strong', null, host), ': ', link(String(url)));
  return question(String(message ?? 'The server asks'), body, { 'I opened it': () => ({ action: 'accept' }), ...refusals });
}

function sample({ messages = [], systemPrompt, maxTokens }) {
  const id = unique('answer');
  const area = h('textarea', { id, rows: 4 });
  const said = messages.map((one) => h('div', { class: 'message' }, h('h5', null, one.role), [one.content].flat().map(block)));
  const body = [systemPrompt && h('p', null, systemPrompt), said, h('label', { for: id }, `Your answer, in place of the model's (${maxTokens} tokens at most)`), area];
  const send = () => ({ role: 'assistant', content: { type: 'text', text: area.value }, model: 'a person', stopReason: 'endTurn' });
  return question('The server asks a model', body, { Send: send });
}

function roots() {
  const id = unique('roots');
  const area = h('textarea', { id, rows: 3, placeholder: 'file:///home/me/project' });
  const lines = () => area.value.split('\n').map((line) => line.trim()).filter(Boolean);
  return question('The server asks for your folders', [h('label', { for: id }, 'Their URIs, one on each line'), area], {
    Send: () => ({ roots: lines().map((uri) => ({ uri })) }),
  });
}
