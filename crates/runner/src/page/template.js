// URI templates (RFC 6570): the expressions that servers use.

const EXPRESSION = /\{([+#./;?&]?)([^{}]+)\}/g;
const names = (list) => list.split(',').map((name) => name.replace(/(\*|:\d+)$/, ''));

export function variables(template) {
  return [...new Set([...template.matchAll(EXPRESSION)].flatMap(([, , list]) => names(list)))];
}

export function expand(template, values) {
  return template.replace(EXPRESSION, (_, operator, list) => {
    const open = operator === '+' || operator === '#';
    const named = ['?', '&', ';'].includes(operator);
    const encode = (text) =>
      open ? encodeURI(text).replace(/%25([0-9a-f]{2})/gi, '%$1') : encodeURIComponent(text).replace(/[!'()*]/g, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`);
    const set = names(list).filter((name) => values[name] !== undefined);
    const parts = set.map((name) => (named ? `${name}=${encode(values[name])}` : encode(values[name])));
    if (!parts.length) return '';
    const first = { '+': '', '#': '#', '': '' }[operator] ?? operator;
    const between = { '+': ',', '#': ',', '': ',', '?': '&' }[operator] ?? operator;
    return first + parts.join(between);
  });
}
