// Elements. Text of the server only ever becomes text: there is no way to pass HTML.

export function h(tag, props, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(props ?? {})) {
    if (name.startsWith('on')) element.addEventListener(name.slice(2), value);
    else if (value === true) element.setAttribute(name, '');
    else if (value !== false && value != null) element.setAttribute(name, value);
  }
  element.append(...children.flat(3).filter((child) => child != null && child !== false));
  return element;
}

let ids = 0;
export const unique = (name) => `${name}-${++ids}`;

export const json = (value) => JSON.stringify(value, null, 2);

/** A text that can be copied. */
export function snippet(text, label) {
  const button = h('button', { type: 'button', class: 'quiet copy', 'aria-label': `Copy ${label}` }, 'Copy');
  button.addEventListener('click', async () => {
    try {
      await navigator.clipboard.writeText(text);
      button.textContent = 'Copied';
      say(`Copied ${label}`);
    } catch {
      getSelection().selectAllChildren(code);
      button.textContent = 'Selected';
      say('This browser does not let the page copy; the text is selected');
    }
    setTimeout(() => (button.textContent = 'Copy'), 2000);
  });
  const code = h('code', null, text);
  return h('div', { class: 'snippet' }, h('pre', { tabindex: 0, role: 'region', 'aria-label': label }, code), button);
}

/** Says something to a screen reader. */
export function say(text) {
  document.getElementById('said').textContent = text;
}
