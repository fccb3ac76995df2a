// Forms made of JSON schemas. A control has an element, reads a value, and writes one.

import { h, json, unique } from './dom.js';

/** How deep a form goes. Below, values are JSON. */
const DEEPEST = 6;

const isObject = (value) => value !== null && typeof value === 'object' && !Array.isArray(value);

/**
 * A form with a switch to JSON. `read` returns the value, or nothing after it has shown what is
 * wrong.
 */
export function form(schema, title) {
  const fields = whole(schema) && object(schema, schema, 0);
  const area = h('textarea', { class: 'json', rows: 8, spellcheck: 'false', 'aria-label': `${title} as JSON` });
  const wrong = h('p', { class: 'wrong', role: 'alert', id: unique('wrong') });
  area.setAttribute('aria-describedby', wrong.id);
  const mode = unique('mode');
  const choice = (value, text) =>
    h('label', null, h('input', { type: 'radio', name: mode, value, onchange: change }), h('span', null, text));
  const choices = h('div', { class: 'switch', role: 'radiogroup', 'aria-label': 'Edit as' }, choice('form', 'Form'), choice('json', 'JSON'));
  const radios = choices.querySelectorAll('input');
  let asJson = !fields;

  const complain = (text) => {
    wrong.textContent = text;
    area.setAttribute('aria-invalid', String(text !== ''));
    if (text) area.focus();
  };
  const parsed = () => {
    try {
      const value = JSON.parse(area.value.trim() || '{}');
      if (!isObject(value)) throw new Error('expected an object');
      complain('');
      return value;
    } catch (error) {
      complain(`This is not a JSON object: ${error.message}`);
    }
  };
  function show() {
    radios[asJson ? 1 : 0].checked = true;
    area.hidden = !asJson;
    if (fields) fields.element.hidden = asJson;
  }
  function change() {
    if (!asJson) area.value = json(fields.read({ lenient: true }) ?? {});
    else {
      const value = parsed();
      const misfit = value && fields.write(value);
      if (misfit) complain(`The form cannot show ${misfit}; go on with JSON`);
      if (!value || misfit) return show();
    }
    complain('');
    asJson = !asJson;
    show();
  }
  const isEmpty = fields && !Object.keys(schema.properties ?? {}).length;
  if (!fields) area.value = json(isObject(schema?.default) ? schema.default : {});
  show();
  return {
    element: h('div', { class: 'form', hidden: isEmpty }, fields && !isEmpty && choices, fields?.element, area, wrong),
    read() {
      if (asJson) return parsed();
      const faults = [];
      const value = fields.read({ faults });
      faults[0]?.focus();
      return faults.length ? undefined : (value ?? {});
    },
  };
}

/** Whether a form can show all of a schema. */
function whole(schema) {
  if (!isObject(schema) || ![undefined, 'object'].includes(schema.type)) return false;
  const beyond = ['oneOf', 'anyOf', 'allOf', 'not', 'if', 'patternProperties', '$ref'];
  const more = schema.additionalProperties;
  if (beyond.some((key) => key in schema) || more === true || isObject(more)) return false;
  return isObject(schema.properties) || !schema.required?.length;
}

/** A schema without references, and without the alternative of being null. */
function plain(schema, root) {
  let nullable = false;
  for (let step = 0; step < 16 && isObject(schema); step++) {
    const { $ref, anyOf, oneOf, allOf, ...rest } = schema;
    const either = anyOf ?? oneOf;
    if (typeof $ref === 'string' && $ref.startsWith('#')) {
      const names = $ref.slice(1).split('/').slice(1);
      const found = names.reduce((at, name) => at?.[decodeURIComponent(name).replace(/~1/g, '/').replace(/~0/g, '~')], root);
      schema = { ...(isObject(found) ? found : {}), ...rest };
    } else if (allOf?.length === 1) schema = { ...allOf[0], ...rest };
    else if (either?.some((one) => one?.type === 'null')) {
      nullable = true;
      const left = either.filter((one) => one?.type !== 'null');
      schema = left.length === 1 ? { ...left[0], ...rest } : { ...rest, anyOf: left };
    } else if (Array.isArray(schema.type) && schema.type.includes('null')) {
      nullable = true;
      const left = schema.type.filter((one) => one !== 'null');
      schema = { ...schema, type: left.length === 1 ? left[0] : left };
    } else break;
  }
  return [isObject(schema) ? schema : {}, nullable];
}

/** The values that a schema lists, with their titles. */
function listed(schema) {
  if ('const' in schema) return [[schema.const, schema.title]];
  if (Array.isArray(schema.enum)) return schema.enum.filter((v) => v !== null).map((v, i) => [v, schema.enumNames?.[i]]);
  const either = schema.oneOf ?? schema.anyOf;
  return either?.every((one) => isObject(one) && 'const' in one) ? either.map((one) => [one.const, one.title]) : undefined;
}

function control(given, root, depth, name, required) {
  const [schema] = plain(given, root);
  const base = { schema, name, required, label: schema.title ?? name };
  if (depth > DEEPEST) return raw(base);
  const values = listed(schema);
  if (values) return choice(base, values);
  if (schema.type === 'boolean') return required ? check(base) : choice(base, [[true], [false]]);
  if (schema.type === 'string') return text(base);
  if (schema.type === 'integer' || schema.type === 'number') return number(base);
  if (schema.type === 'object' && schema.properties && whole(schema)) return group(base, object(schema, root, depth + 1));
  if (schema.type === 'array' && isObject(schema.items)) {
    const [items] = plain(schema.items, root);
    const values = listed(items);
    return values ? several(base, values) : list(base, (index) => control(schema.items, root, depth + 1, `${base.label} ${index}`, true));
  }
  return raw(base);
}

/** A label, an input, what it is for, and what is wrong with it. */
function field({ schema, label, required }, input, read, write) {
  const id = unique('input');
  const wrong = h('p', { class: 'wrong', id: `${id}-wrong` });
  const about = schema.description && h('p', { class: 'about', id: `${id}-about` }, schema.description);
  input.id = id;
  input.setAttribute('aria-describedby', [about && `${id}-about`, `${id}-wrong`].filter(Boolean).join(' '));
  if (required) input.setAttribute('aria-required', 'true');
  const complain = (text) => {
    wrong.textContent = text;
    input.setAttribute('aria-invalid', String(text !== ''));
  };
  input.addEventListener('input', () => complain(''));
  if (schema.default !== undefined) write(schema.default);
  const heading = h('label', { for: id }, label, !required && h('small', null, 'optional'));
  const isCheck = input.type === 'checkbox';
  return {
    element: h('div', { class: isCheck ? 'field check' : 'field' }, isCheck ? [input, heading] : [heading, about, input], isCheck && about, wrong),
    read({ faults, lenient }) {
      let value;
      try {
        value = read();
        if (value === undefined && required && !lenient) throw new Error('This is required');
        complain('');
      } catch (error) {
        if (lenient) return undefined;
        complain(error.message);
        faults.push(input);
      }
      return value;
    },
    write(value) {
      if (value !== undefined) return write(value);
      if (isCheck) input.checked = false;
      else input.value = '';
    },
  };
}

function text(base) {
  const { format, maxLength, minLength, pattern } = base.schema;
  const type = { date: 'date', email: 'email', uri: 'url' }[format];
  const input = type ? h('input', { type }) : h('textarea', { rows: 1 });
  if (base.schema.examples?.length) input.placeholder = String(base.schema.examples[0]);
  const read = () => {
    const value = input.value;
    if (value === '') return undefined;
    const length = [...value].length;
    if (length < minLength) throw new Error(`This needs ${minLength} characters or more`);
    if (length > maxLength) throw new Error(`This can have ${maxLength} characters at most`);
    if (type && input.validity.typeMismatch) throw new Error(input.validationMessage);
    if (pattern && !matches(pattern, value)) throw new Error(`This does not match ${pattern}`);
    return value;
  };
  return field(base, input, read, (value) => {
    if (typeof value !== 'string') return base.name;
    input.value = value;
  });
}

function matches(pattern, value) {
  try {
    return new RegExp(pattern, 'u').test(value);
  } catch {
    return true;
  }
}

function number(base) {
  const { type, minimum, maximum, exclusiveMinimum, exclusiveMaximum } = base.schema;
  const input = h('input', { type: 'number', step: type === 'integer' ? 1 : 'any', min: minimum, max: maximum });
  const read = () => {
    if (input.validity.badInput) throw new Error('This is not a number');
    if (input.value === '') return undefined;
    const value = Number(input.value);
    if (type === 'integer' && !Number.isInteger(value)) throw new Error('This must be a whole number');
    if (value < minimum || value <= exclusiveMinimum) throw new Error(`This must be ${exclusiveMinimum === undefined ? 'at least' : 'more than'} ${minimum ?? exclusiveMinimum}`);
    if (value > maximum || value >= exclusiveMaximum) throw new Error(`This must be ${exclusiveMaximum === undefined ? 'at most' : 'less than'} ${maximum ?? exclusiveMaximum}`);
    return value;
  };
  return field(base, input, read, (value) => {
    if (typeof value !== 'number') return base.name;
    input.value = value;
  });
}

function check(base) {
  const input = h('input', { type: 'checkbox' });
  return field(base, input, () => input.checked, (value) => {
    if (typeof value !== 'boolean') return base.name;
    input.checked = value;
  });
}

const titled = ([value, title]) => title ?? (typeof value === 'string' ? value : JSON.stringify(value));
const at = (values, value) => values.findIndex(([one]) => JSON.stringify(one) === JSON.stringify(value));

function choice(base, values) {
  const option = (value, index) => h('option', { value: index }, titled(value));
  const only = base.required && values.length === 1;
  const input = h('select', null, !only && h('option', { value: '' }, base.required ? 'Choose…' : '—'), values.map(option));
  return field(base, input, () => values[input.value]?.[0], (value) => {
    const index = at(values, value);
    if (index < 0) return base.name;
    input.value = index;
  });
}

/** Choices of a list. */
function several(base, values) {
  const boxes = values.map(() => h('input', { type: 'checkbox' }));
  const labels = values.map((value, index) => h('label', null, boxes[index], h('span', null, titled(value))));
  const { minItems, maxItems } = base.schema;
  const element = h('div', { class: 'choices' }, labels);
  const write = (value = []) => {
    if (!Array.isArray(value) || value.some((one) => at(values, one) < 0)) return base.name;
    boxes.forEach((box, index) => (box.checked = value.some((one) => at(values, one) === index)));
  };
  return fieldset(base, element, ({ faults, lenient }, complain) => {
    const chosen = values.filter((_, index) => boxes[index].checked).map(([value]) => value);
    const few = chosen.length < minItems || chosen.length > maxItems;
    complain(few && !lenient && (chosen.length || base.required) ? `Choose ${minItems ?? 0} to ${maxItems ?? values.length}` : '') && faults.push(boxes[0]);
    return chosen.length || base.required ? chosen : undefined;
  }, write);
}

function list(base, make) {
  const items = [];
  const body = h('ol', { class: 'items' });
  const add = (focus) => {
    const one = make(items.length + 1);
    const remove = h('button', { type: 'button', class: 'quiet', 'aria-label': `Remove item of ${base.label}` }, 'Remove');
    const row = h('li', null, one.element, remove);
    remove.addEventListener('click', () => {
      items.splice(items.indexOf(one), 1);
      row.remove();
      more.focus();
    });
    items.push(one);
    body.append(row);
    if (focus) row.querySelector('input, textarea, select, button')?.focus();
    return one;
  };
  const more = h('button', { type: 'button', class: 'quiet', onclick: () => add(true) }, `Add to ${base.label}`);
  const write = (value = []) => {
    if (!Array.isArray(value)) return base.name;
    items.length = 0;
    body.replaceChildren();
    return value.map((one) => add().write(one)).find(Boolean);
  };
  const { minItems, maxItems } = base.schema;
  return fieldset(base, h('div', null, body, more), (how, complain) => {
    const all = items.map((one) => one.read(how)).filter((value) => value !== undefined);
    const few = items.length < minItems || items.length > maxItems;
    complain(few && !how.lenient && (items.length || base.required) ? `This takes ${minItems ?? 0} to ${maxItems ?? 'any number of'} items` : '') && how.faults.push(more);
    return items.length || base.required ? all : undefined;
  }, write);
}

function fieldset({ schema, label, required }, body, read, write) {
  const wrong = h('p', { class: 'wrong' });
  const complain = (text) => ((wrong.textContent = text), text !== '');
  if (schema.default !== undefined) write(schema.default);
  const legend = h('legend', null, label, !required && h('small', null, 'optional'));
  const about = schema.description && h('p', { class: 'about' }, schema.description);
  return { element: h('fieldset', null, legend, about, body, wrong), read: (how) => read(how, complain), write };
}

/** An object within another. An optional one is left out until it is wanted. */
function group(base, fields) {
  if (base.required) return fieldset(base, fields.element, (how) => fields.read(how) ?? {}, fields.write);
  const wanted = h('input', { type: 'checkbox' });
  const show = () => (fields.element.hidden = !wanted.checked);
  wanted.addEventListener('change', show);
  show();
  const toggle = h('label', { class: 'wanted' }, wanted, h('span', null, `Include ${base.label}`));
  return fieldset(base, h('div', null, toggle, fields.element), (how) => (wanted.checked ? (fields.read(how) ?? {}) : undefined), (value) => {
    const misfit = fields.write(value ?? {});
    wanted.checked = value !== undefined;
    show();
    return misfit;
  });
}

function object(schema, root, depth) {
  const required = new Set(schema.required);
  const properties = Object.entries(schema.properties ?? {});
  const fields = properties.map(([name, one]) => [name, control(one, root, depth, name, required.has(name))]);
  return {
    element: h('div', { class: 'fields' }, fields.map(([, one]) => one.element)),
    read(how) {
      const values = fields.map(([name, one]) => [name, one.read(how)]).filter(([, value]) => value !== undefined);
      return values.length ? Object.fromEntries(values) : undefined;
    },
    write(value) {
      if (!isObject(value)) return 'it';
      const stranger = Object.keys(value).find((name) => !fields.some(([known]) => known === name));
      return stranger ?? fields.map(([name, one]) => one.write(Object.hasOwn(value, name) ? value[name] : undefined)).find(Boolean);
    },
  };
}

/** Any value, as JSON. */
function raw(base) {
  const input = h('textarea', { class: 'json', rows: 3, spellcheck: 'false', placeholder: 'JSON' });
  const read = () => {
    if (input.value.trim() === '') return undefined;
    try {
      return JSON.parse(input.value);
    } catch (error) {
      throw new Error(`This is not JSON: ${error.message}`);
    }
  };
  return field(base, input, read, (value) => void (input.value = json(value)));
}
