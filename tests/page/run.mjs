#!/usr/bin/env node
// Uses the page of `mcp serve` and `mcp dev` in Chromium as a person does, and servers from pages of other origins.
//
//     node tests/page/run.mjs --mcp PROGRAM --chromium PROGRAM --fixtures FOLDER [--shots FOLDER]
//
// Whatever the console says is wrong fails the check that is running, so a violation of the page's policy does.

import { execFileSync, spawn } from 'node:child_process';
import assert from 'node:assert/strict';
import { copyFileSync, cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { parseArgs } from 'node:util';

import { Browser } from './browser.mjs';

const { values: options } = parseArgs({
  options: { mcp: { type: 'string' }, chromium: { type: 'string' }, fixtures: { type: 'string' }, shots: { type: 'string' }, only: { type: 'string' } },
});
const folder = mkdtempSync(join(tmpdir(), 'mcp-page-'));
const fixture = (name) => join(options.fixtures, `${name}.wasm`);
const mcp = (...words) => execFileSync(options.mcp, words, { cwd: folder, encoding: 'utf8', stdio: 'pipe' });
/** What `spin new` and `spin add` do. */
function scaffold(...words) {
  const target = dirname(dirname(options.mcp));
  const stdio = ['ignore', 'ignore', 'inherit'];
  execFileSync('cargo', ['build', '--quiet', '--package=scaffold', '--target-dir', target], { stdio });
  execFileSync(join(target, 'debug/scaffold'), words, { stdio });
}
const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
if (options.shots) mkdirSync(options.shots, { recursive: true });

const processes = [];

/** Starts a command that serves, and resolves with the address of its page once it listens. */
async function serving(...words) {
  const child = spawn(options.mcp, [...words, '--listen', '127.0.0.1:0'], { cwd: folder, stdio: ['ignore', 'pipe', 'pipe'] });
  processes.push(child);
  let said = '';
  child.stderr.on('data', (data) => (said += data));
  const url = await new Promise((resolve, reject) => {
    child.stdout.on('data', (data) => {
      said += data;
      const found = /at (http:\S+\/)mcp/.exec(said);
      if (found) resolve(found[1]);
    });
    child.on('exit', () => reject(new Error(`${words[0]} ended:\n${said}`)));
  });
  return { url, child };
}

/** A page with nothing on it, of another origin. */
async function elsewhere() {
  const server = createServer((_, response) => response.setHeader('content-type', 'text/html').end('<!doctype html><link rel="icon" href="data:,">'));
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  return { server, port: server.address().port };
}

// ---- What the checks do on the page

const choose = (hash) => {
  location.hash = hash;
};
const titled = (text) => [...document.querySelectorAll('#view h2')].some((one) => one.textContent === text);
const call = () => document.querySelector('#view form .primary').click();
const result = () => {
  const shown = document.querySelector('.result[aria-busy=false]');
  return shown && { line: shown.querySelector('.line').textContent, text: shown.textContent };
};
const labeled = (label, value) => {
  const wanted = [...document.querySelectorAll('#view label')].find((one) => one.firstChild.textContent === label || one.textContent === label);
  const input = wanted.control;
  if (input.type === 'checkbox' || input.type === 'radio') input.click();
  else {
    input.value = input.tagName === 'SELECT' ? [...input.options].find((one) => one.textContent === value).value : value;
    input.dispatchEvent(new Event('input', { bubbles: true }));
  }
  return true;
};
const press = (text) => [...document.querySelectorAll('#view button')].find((one) => one.checkVisibility() && one.textContent === text).click();
const wrongs = () => [...document.querySelectorAll('#view .wrong')].map((one) => one.textContent).filter(Boolean);

async function show(tab, hash, title) {
  await tab.run(choose, hash);
  await tab.until(titled, title);
}

async function called(tab, tool) {
  await show(tab, `#tool/${tool}`, tool);
  await tab.run(call);
  return tab.until(result);
}

/** Focuses the next thing with Tab, and tells what it is. */
async function next(tab) {
  await tab.press('Tab');
  return tab.run(() => {
    const { activeElement: one } = document;
    const label = one.labels?.[0];
    return [label?.firstChild.textContent, label?.textContent, one.ariaLabel, one.textContent].find((text) => text?.trim())?.trim();
  });
}

const checks = {
  async 'the overview names the server and connects clients'({ tab, url }) {
    await tab.until(() => document.querySelectorAll('#lists a').length > 30);
    assert.equal(await tab.run(() => document.title), 'pizza');
    const said = await tab.run(() => document.querySelector('#view').textContent);
    for (const text of [`${url}mcp`, `spin mcp connect claude-code --name pizza --url ${url}mcp`, '[mcp_servers.pizza]', '--stdio']) assert.ok(said.includes(text), text);
    await tab.run(() => (document.querySelector('#view details').open = true));
    await tab.send('Browser.grantPermissions', { permissions: ['clipboardReadWrite', 'clipboardSanitizedWrite'] }).catch(() => {});
    await tab.run(() => document.querySelector('.copy').click());
    await tab.until(() => ['Copied', 'Selected'].includes(document.querySelector('.copy').textContent));
  },

  async 'a form becomes arguments'({ tab }) {
    await show(tab, '#tool/order', 'Order a pizza');
    await tab.run(call);
    assert.deepEqual(await tab.run(wrongs), ['This is required', 'This is required']);
    assert.equal(await tab.run(() => document.activeElement.labels[0].firstChild.textContent), 'Customer');
    await tab.run(labeled, 'Customer', 'A');
    await tab.run(labeled, 'How many', '10');
    await tab.run(call);
    assert.deepEqual(await tab.run(wrongs), ['This needs 2 characters or more', 'This is required', 'This must be at most 9']);
    for (const [label, value] of [['Customer', 'Ada'], ['Size', 'Medium'], ['How many', '3'], ['Price limit', '9.5'], ['Wrap it as a gift'], ['olives'], ['Include Address'], ['Street', 'Main 1'], ['Day', '2026-12-24'], ['Anything else', '[null]']]) await tab.run(labeled, label, value);
    await tab.run(press, 'Add to Notes');
    await tab.run(labeled, 'Notes 1', 'ring\ntwice');
    await tab.run(press, 'Add to Notes');
    await tab.run(() => document.querySelectorAll('.items button')[1].click());
    await tab.run(call);
    const { line } = await tab.until(result);
    assert.match(line, /^Done after/);
    const sent = { customer: 'Ada', size: 'm', count: 3, price: 9.5, gift: true, toppings: ['olives'], notes: ['ring\ntwice'], address: { street: 'Main 1' }, day: '2026-12-24', more: [null] };
    const structured = () => JSON.parse(document.querySelector('.result details pre').textContent);
    assert.deepEqual(await tab.run(structured), sent);

    // JSON and back.
    await tab.run(() => document.querySelector('[value=json]').click());
    assert.deepEqual(JSON.parse(await tab.run(() => document.querySelector('textarea.json[aria-label]').value)), sent);
    const edit = (text) => (document.querySelector('textarea.json[aria-label]').value = text);
    await tab.run(edit, '{');
    await tab.run(() => document.querySelector('[value=form]').click());
    assert.match((await tab.run(wrongs))[0], /not a JSON object/);
    await tab.run(edit, '{"customer": "Eve", "size": "m", "gift": false, "count": "three"}');
    await tab.run(() => document.querySelector('[value=form]').click());
    assert.deepEqual(await tab.run(wrongs), ['The form cannot show count; go on with JSON']);
    await tab.run(edit, '{"customer": "Eve", "size": "s", "gift": false}');
    await tab.run(() => document.querySelector('[value=form]').click());
    await tab.run(call);
    await tab.until(() => document.querySelector('.result details pre')?.textContent.includes('Eve'));
    assert.deepEqual(await tab.run(structured), { customer: 'Eve', size: 's', gift: false });
  },

  async 'HTML of a server stays text'({ tab }) {
    await show(tab, '#tool/hostile', '<b>Hostile</b>');
    await tab.run(call);
    const { text } = await tab.until(result);
    assert.ok(text.includes("<script>document.title='owned'</script>"), text);
    assert.deepEqual(await tab.run(() => [...document.querySelectorAll('#view a')].map((one) => one.protocol)), ['http:', 'https:', 'http:'], text);
    assert.equal(await tab.run(() => document.querySelectorAll('#view :is(img, b, i, script)').length), 0);
    assert.equal(await tab.run(() => document.title), 'pizza');
    // What a script of the page itself would have to use.
    const blocked = await tab.run(() => {
      try {
        document.createElement('p').innerHTML = '<b>';
      } catch (error) {
        return error.name;
      }
    });
    assert.equal(blocked, 'TypeError');
    assert.equal(tab.errors.splice(0).length, 1);
  },

  async 'every kind of content is shown'({ tab }) {
    await called(tab, 'test_multiple_content_types');
    assert.ok(await tab.until(() => document.querySelector('.result img')?.naturalWidth > 0));
    await called(tab, 'test_audio_content');
    assert.ok(await tab.until(() => document.querySelector('.result audio')?.duration > 0));
    assert.match((await called(tab, 'test_embedded_resource')).text, /embedded/i);
    const { line } = await called(tab, 'test_error_handling');
    assert.match(line, /^The tool reports a failure/);
    const logged = await called(tab, 'test_tool_with_logging');
    assert.equal(await tab.run(() => document.querySelectorAll('.log li').length), 3, logged.text);
    await called(tab, 'test_tool_with_progress');
    assert.equal(await tab.run(() => document.querySelector('progress').value), 100);
  },

  async 'questions are answered'({ tab }) {
    await show(tab, '#tool/test_elicitation_sep1034_defaults', 'test_elicitation_sep1034_defaults');
    await tab.run(call);
    await tab.until(() => document.querySelector('.question'));
    assert.equal(await tab.run(() => document.activeElement.value), '30');
    await tab.run(labeled, 'name', 'Ada');
    await tab.run(press, 'Accept');
    const { text } = await tab.until(result);
    assert.ok(text.includes('Ada') && text.includes('95.5'), text);
    await tab.run(call);
    await tab.until(() => document.querySelector('.question'));
    await tab.run(press, 'Decline');
    assert.match((await tab.until(result)).text, /decline/);

    await show(tab, '#tool/test_input_required_result_multi_round', 'test_input_required_result_multi_round');
    await tab.run(call);
    let rounds = 0;
    while (!(await tab.run(result))) {
      if (await tab.run(() => document.querySelector('.question:not([inert])') && ![...document.querySelectorAll('.question input, .question textarea')].at(-1).value)) {
        rounds += 1;
        await tab.run(() => [...document.querySelectorAll('.question .fields :is(input, textarea)')].forEach((one) => (one.value = 'blue')));
        await tab.run(press, 'Accept');
      }
      await sleep(20);
    }
    assert.equal(rounds, 2);

    await show(tab, '#tool/test_input_required_result_multiple_inputs', 'test_input_required_result_multiple_inputs');
    await tab.run(call);
    await tab.until(() => document.querySelectorAll('.question').length === 3);
    await tab.run(() => {
      for (const area of document.querySelectorAll('.question textarea, .question .fields input')) if (!area.hidden) area.value = area.placeholder.startsWith('file:') ? 'file:///home' : 'Ada';
      for (const button of document.querySelectorAll('.question .primary')) button.click();
    });
    assert.match((await tab.until(result)).line, /^Done/);
  },

  async 'a call can be canceled'({ tab }) {
    await show(tab, '#tool/test_elicitation', 'test_elicitation');
    await tab.run(() => document.querySelectorAll('#view .fields textarea').forEach((one) => (one.value = 'a')));
    await tab.run(call);
    await tab.until(() => document.querySelector('.question'));
    await tab.run(press, 'Cancel');
    assert.match((await tab.until(result)).line, /^Canceled/);
    assert.equal(await tab.run(() => document.querySelectorAll('.question').length), 0);
  },

  async 'resources and prompts are shown'({ tab }) {
    await show(tab, `#resource/${encodeURIComponent('test://static-text')}`, await tab.run(() => document.querySelector('a[href="#resource/test%3A%2F%2Fstatic-text"]').textContent));
    await tab.run(call);
    assert.match((await tab.until(result)).text, /static text resource/);
    await tab.run(() => document.querySelector('a[href^="#template/"]').click());
    await tab.until(() => document.querySelector('#view .kind')?.textContent.includes('template'));
    await tab.run(labeled, 'id', 'a b');
    await tab.run(call);
    assert.match((await tab.until(result)).text, /a b|a%20b/);
    await show(tab, '#prompt/test_prompt_with_arguments', 'test_prompt_with_arguments');
    await tab.run(call);
    assert.equal((await tab.run(wrongs)).length, 2);
    await tab.run(labeled, 'arg1', 'one');
    await tab.run(labeled, 'arg2', 'zwei');
    await tab.run(call);
    assert.match((await tab.until(result)).text, /zwei/);
    await tab.run(choose, '#read/test%3A%2F%2Fstatic-text');
    await tab.until(titled, 'test://static-text');
  },

  async 'requests of all clients are listed'({ tab, url }) {
    await fetch(`${url}mcp`, { method: 'POST', body: '{"jsonrpc":"2.0","id":1,"method":"prompts/get","params":{"name":"of another client"}}', headers: { 'content-type': 'application/json', accept: 'application/json' } });
    await show(tab, '#requests', 'Requests');
    await tab.until(() => document.querySelector('tbody').textContent.includes('of another client'));
    const rows = await tab.run(() => [...document.querySelectorAll('tbody tr')].map((row) => row.textContent));
    assert.ok(rows.some((row) => /tools\/call.*order.*200.*ms/.test(row)), rows.join('\n'));
    assert.ok(rows.some((row) => /test_error_handling.*the tool reports a failure/.test(row)));
    assert.ok(!rows.join().includes('.mcp'));
  },

  async 'the keyboard reaches everything in order'({ tab, url }) {
    await tab.go('about:blank');
    await tab.go(`${url}#tool/order`);
    await tab.until(() => document.querySelector('#view .fields'));
    const order = [];
    for (const _ of Array(6)) order.push(await next(tab));
    assert.deepEqual(order.map((one) => one.split(/\d| {2}|version/)[0].trim()), ['Skip to the content', 'pizza', 'Authorization', 'Filter by name', 'Overview', 'Requests']);
    await tab.run(() => document.querySelector('.skip').focus());
    await tab.press('Enter');
    const form = [];
    for (const _ of Array(15)) form.push(await next(tab));
    const expected = ['Form', 'Customer', 'Size', 'How many', 'Price limit', 'Wrap it as a gift', 'cheese', 'olives', 'basil', 'Add to Notes', 'Include Address', 'Day', 'Day', 'Day', 'Day'];
    assert.deepEqual(form, expected);
    await tab.run(() => document.querySelector('#view form .primary').focus());
    await tab.press('Enter');
    assert.equal(await tab.run(() => document.activeElement.labels?.[0].firstChild.textContent), 'Customer');
    await tab.type('Ada');
    await tab.press('Tab');
    await tab.press('Enter', 2);
    assert.deepEqual(await tab.run(wrongs), ['This is required']);
  },

  async 'everything has a name, and enough contrast'({ tab }) {
    await tab.send('Accessibility.enable');
    for (const hash of ['#', '#tool/order', '#requests']) {
      await tab.run(choose, hash);
      await sleep(50);
      const { nodes } = await tab.send('Accessibility.getFullAXTree');
      const roles = ['button', 'link', 'textbox', 'searchbox', 'combobox', 'checkbox', 'radio', 'spinbutton', 'navigation', 'region', 'form'];
      const nameless = nodes.filter((one) => !one.ignored && roles.includes(one.role?.value) && !one.name?.value);
      assert.deepEqual(nameless.map((one) => one.role.value), [], hash);
      assert.ok(['main', 'banner', 'navigation'].every((role) => nodes.some((one) => one.role?.value === role)));
    }
    await tab.send('Accessibility.disable');
    for (const dark of [false, true]) {
      await tab.look(1280, 900, dark);
      const pairs = await tab.run(() => {
        const of = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim().replace(/^#(.)(.)(.)$/, '#$1$1$2$2$3$3');
        const light = (hex) => {
          const [r, g, b] = [1, 3, 5].map((at) => parseInt(hex.slice(at, at + 2), 16) / 255).map((c) => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4));
          return 0.2126 * r + 0.7152 * g + 0.0722 * b + 0.05;
        };
        const all = [];
        for (const text of ['--text', '--soft', '--accent', '--bad']) for (const ground of ['--ground', '--card', '--sunk', '--tint']) all.push([text, ground]);
        all.push(['--on-accent', '--accent']);
        return all.map(([text, ground]) => [text, ground, Math.max(light(of(text)) / light(of(ground)), light(of(ground)) / light(of(text)))]);
      });
      for (const [text, ground, contrast] of pairs) assert.ok(contrast >= 4.5, `${text} on ${ground}: ${contrast}, dark: ${dark}`);
    }
    const ground = await tab.run(() => getComputedStyle(document.body).backgroundColor);
    assert.equal(ground, 'rgb(20, 23, 26)');
    await tab.look(1280, 900);
  },

  async 'a narrow window shows all of it'({ tab }) {
    await tab.look(360, 780);
    for (const hash of ['#', '#tool/order', '#tool/hostile', '#requests']) {
      await tab.run(choose, hash);
      await sleep(50);
      assert.equal(await tab.run(() => document.documentElement.scrollWidth), 360, hash);
    }
    await tab.run(() => document.querySelector('#menu').click());
    assert.ok(await tab.run(() => document.querySelector('nav').checkVisibility()));
    await tab.run(() => document.querySelector('a[href="#tool/order"]').click());
    await tab.until(() => !document.querySelector('nav').checkVisibility());
    await tab.look(1280, 900);
  },

  async 'a tool shows its page, which calls tools as the user allows'({ browser, palette }) {
    const tab = await browser.open(`${palette}#tool/palette`);
    await tab.until(titled, 'Make a palette');
    await tab.run(labeled, 'hue', '200');
    await tab.run(call);
    await tab.until(result);
    const frame = await tab.frame();
    await frame.until(() => document.querySelectorAll('#colors button').length === 6);
    assert.equal(await frame.run(() => origin), 'null');
    assert.ok(await tab.until(() => document.querySelector('iframe').height > 200));
    if (options.shots) await tab.shot(join(options.shots, 'app-light.png'), true);

    // Nothing but what it declares, and that is nothing.
    const reach = () => Promise.all(['/mcp', '/.mcp/requests', 'https://example.com/'].map((path) => fetch(new URL(path, document.URL)).then(() => 'reached', (error) => error.name)));
    assert.deepEqual(await frame.run(reach), ['TypeError', 'TypeError', 'TypeError']);
    const peek = () => {
      try {
        return parent.document.title;
      } catch (error) {
        return error.name;
      }
    };
    assert.equal(await frame.run(peek), 'SecurityError');
    frame.errors.length = 0;

    // The slider calls the tool again, once the user has agreed.
    const slide = (hue) => {
      document.querySelector('#hue').value = hue;
      document.querySelector('#hue').dispatchEvent(new Event('change'));
    };
    const colors = () => [...document.querySelectorAll('#colors button')].map((one) => one.ariaLabel).join();
    const before = await frame.run(colors);
    await frame.run(slide, 20);
    await tab.until(() => document.querySelector('.app .question')?.textContent.includes('palette'));
    assert.equal(await frame.run(colors), before);
    await tab.run(press, 'Allow');
    await frame.until((old) => [...document.querySelectorAll('#colors button')].map((one) => one.ariaLabel).join() !== old, before);
    await frame.run(slide, 120);
    await tab.until(() => document.querySelectorAll('.told li').length === 2);
    assert.equal(await tab.run(() => document.querySelectorAll('.app .question').length), 0);
    await frame.run(() => document.querySelector('#colors button').click());
    await tab.until(() => document.querySelector('.app .question')?.textContent.includes('contrast'));
    await tab.run(press, 'Refuse');
    await frame.until(() => document.querySelector('#said').textContent === 'the user refused');
    await frame.run(() => document.querySelector('#colors button').click());
    await tab.until(() => document.querySelector('.app .question'));
    await tab.run(press, 'Allow');
    await frame.until(() => document.querySelector('#said').textContent.includes('white'));

    await tab.look(1280, 900, true);
    await frame.until(() => document.documentElement.style.colorScheme === 'dark');
    if (options.shots) await tab.shot(join(options.shots, 'app-dark.png'), true);

    // Another view and back: the page begins again with the same result.
    await show(tab, '#requests', 'Requests');
    await show(tab, '#tool/palette', 'Make a palette');
    const again = await tab.frame();
    await again.until(() => document.querySelector('#hue')?.value === '200' && document.querySelectorAll('#colors button').length === 6);
    await tab.run(call);
    await tab.until(() => document.querySelectorAll('iframe').length === 1);
    await tab.until(result);
    assert.deepEqual(tab.errors, []);
    await tab.run(() => document.querySelector('a[href="#tool/contrast"]').click());
    await tab.until(() => document.querySelector('#view .kind')?.textContent.includes('for pages only'));
  },

  async 'the page of the template shows sums, and makes others'({ browser, palette }) {
    const tab = await browser.open(`${palette}#tool/sums_add`);
    await tab.until(titled, 'sums_add');
    for (const [label, value] of [['a', '2'], ['b', '40']]) await tab.run(labeled, label, value);
    await tab.run(call);
    await tab.until(result);
    const frame = await tab.frame();
    const shown = () => ['a', 'b', 'sum'].map((id) => document.getElementById(id)?.value).join();
    await frame.until(() => document.querySelector('#sum')?.value === '42');
    assert.equal(await frame.run(shown), '2,40,42');
    if (options.shots) await tab.shot(join(options.shots, 'template.png'), true);
    await frame.run(() => {
      a.value = '-2';
      a.dispatchEvent(new Event('change'));
    });
    await tab.until(() => document.querySelector('.app .question')?.textContent.includes('sums_add'));
    await tab.run(press, 'Allow');
    await frame.until(() => document.querySelector('#sum').value === '38');
    assert.deepEqual(tab.errors, []);
  },

  async 'credentials stay in memory'({ browser, key, guarded }) {
    const tab = await browser.open(guarded);
    await tab.until(() => !document.querySelector('#credentials').hidden);
    assert.match(await tab.run(() => document.querySelector('#challenge').textContent), /needs to know who asks/);
    const give = (token) => {
      document.querySelector('#token').value = token;
      document.querySelector('#credentials .primary').click();
    };
    await tab.run(give, 'smcp_wrong');
    await tab.until(() => /does not accept/.test(document.querySelector('#challenge').textContent));
    await tab.run(give, key);
    await tab.until(() => document.querySelectorAll('#lists a').length === 2);
    assert.equal(await tab.run(() => document.querySelector('#credentials').hidden), true);
    await tab.run(choose, '#tool/hostile');
    await tab.until(titled, '<b>Hostile</b>');
    await tab.run(call);
    await tab.until(result);
    assert.equal(await tab.run(() => localStorage.length + sessionStorage.length + document.cookie.length), 0);
    // The browser reports each answer 401.
    const reported = tab.errors.splice(0);
    assert.ok(reported.length && reported.every((one) => one.includes('401')), reported.join('\n'));
  },

  async 'other origins are let in as the server says'({ browser, url, other }) {
    const ask = async (url) => {
      const headers = { 'content-type': 'application/json', accept: 'application/json, text/event-stream', 'mcp-protocol-version': '2026-07-28', 'mcp-method': 'tools/call', 'mcp-name': 'test_simple_text', 'mcp-param-region': 'x' };
      const of = 'io.modelcontextprotocol/';
      const _meta = { [`${of}protocolVersion`]: '2026-07-28', [`${of}clientInfo`]: { name: 'a', version: '1' }, [`${of}clientCapabilities`]: {} };
      const body = JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name: 'test_simple_text', arguments: {}, _meta } });
      try {
        const response = await fetch(url, { method: 'POST', headers, body });
        return (await response.json()).result.content[0].text;
      } catch (error) {
        return error.name;
      }
    };
    const friend = await browser.open(`http://127.0.0.1:${other}/`);
    assert.equal(await friend.run(ask, `${url}mcp`), 'This is a simple text response for testing.');
    assert.deepEqual(friend.errors, []);
    const read = (url) => fetch(url).then(() => 'read', (error) => error.name);
    assert.equal(await friend.run(read, `${url}.mcp/requests`), 'TypeError');

    const stranger = await browser.open(`http://evil.example:${other}/`);
    assert.equal(await stranger.run(ask, `${url}mcp`), 'TypeError');
    assert.match(stranger.errors.join('\n'), /CORS/);
    const { requests } = await (await fetch(`${url}.mcp/requests`)).json();
    const { method, status } = requests.at(-1);
    assert.deepEqual({ method, status }, { method: 'OPTIONS', status: 403 });

    // A name of the stranger's that leads to this machine.
    const rebound = await browser.open(url.replace('127.0.0.1', 'evil.example'));
    assert.match(await rebound.run(() => document.body.textContent), /is not this machine/);
    assert.equal(await rebound.run(() => fetch('/.mcp/clients').then((response) => response.status)), 403);
  },

  async 'a page can be left out, and nobody can frame it'({ browser, url, other }) {
    const { url: bare, child } = await serving('serve', 'pizza.wasm', '--no-page');
    const asked = await fetch(bare, { headers: { accept: 'text/html' } });
    assert.equal(asked.status, 406);
    assert.equal((await fetch(`${bare}.mcp/page.js`)).status, 404);
    child.kill();
    const tab = await browser.open(`http://127.0.0.1:${other}/`);
    await tab.run((url) => document.body.append(Object.assign(document.createElement('iframe'), { src: url })), url);
    const deadline = Date.now() + 5000;
    while (!tab.errors.some((one) => one.includes('frame-ancestors')) && Date.now() < deadline) await sleep(20);
    assert.match(tab.errors.join('\n'), /frame-ancestors/);
  },

  async 'the page follows a new server, and tells that it is gone'({ browser }) {
    const app = join(folder, 'app');
    mkdirSync(app);
    copyFileSync(fixture('echo'), join(app, 'feature.wasm'));
    writeFileSync(join(app, 'spin.toml'), APP('one', '\n[component.one.tool.mcp.features.feature]\nsource = "feature.wasm"\n'));
    const { url, child } = await serving('dev', '--from', 'app');
    const tab = await browser.open(`${url}#tool/echo`);
    await tab.until(titled, 'echo');
    await tab.run(labeled, 'message', 'kept');
    await sleep(1100);
    copyFileSync(fixture('form'), join(app, 'feature.wasm'));
    await tab.until(() => document.querySelector('a[href="#tool/order"]') && document.querySelector('#state').textContent);
    assert.equal(await tab.run(() => document.querySelector('#state').textContent), 'The server changed');
    assert.match(await tab.run(() => document.querySelector('#view .wrong').textContent), /no tool echo/);
    assert.deepEqual(tab.errors, []);
    child.kill();
    await tab.until(() => /cannot be reached/.test(document.querySelector('#state').textContent));
    tab.errors.length = 0;
  },
};

const APP = (name, rest) => `spin_manifest_version = 2

[application]
name = "${name}"
version = "1.0.0"

[[trigger.http]]
route = "/mcp"
component = "${name}"

[component.${name}]
source = "${name}.wasm"
key_value_stores = ["default"]
${rest}`;

async function shots(browser, url) {
  const at = (name) => join(options.shots, `${name}.png`);
  const tab = await browser.open(url, { height: 1000 });
  await tab.until(() => document.querySelectorAll('#lists a').length > 30);
  await tab.run(() => (document.querySelector('#view details').open = true));
  await tab.shot(at('overview'));
  for (const [name, dark, width] of [['light', false, 1280], ['dark', true, 1280], ['narrow', false, 400]]) {
    await tab.look(width, 1000, dark);
    await show(tab, '#tool/order', 'Order a pizza');
    await tab.run(labeled, 'Customer', 'Ada');
    await tab.run(labeled, 'Size', 'Medium');
    await tab.run(call);
    await tab.until(result);
    await tab.run(() => (document.querySelector('.result details').open = true));
    await sleep(300);
    await tab.shot(at(`tool-${name}`), true);
    await show(tab, '#tool/test_elicitation_sep1330_enums', 'test_elicitation_sep1330_enums');
    await tab.run(call);
    await tab.until(() => document.querySelector('.question'));
    await sleep(300);
    await tab.shot(at(`question-${name}`), true);
    await tab.run(press, 'Cancel');
    await show(tab, '#requests', 'Requests');
    await sleep(1200);
    await tab.shot(at(`requests-${name}`));
  }
}

let passed = 0;
let failed = 0;
const browser = await Browser.start(options.chromium, ['--host-resolver-rules=MAP evil.example 127.0.0.1']);
try {
  mcp('compose', fixture('conformance'), fixture('form'), '-o', 'pizza.wasm');
  const made = spawn(options.mcp, ['auth', 'key', 'test'], { cwd: folder });
  let [key, line] = ['', ''];
  made.stdout.on('data', (data) => (key += data));
  made.stderr.on('data', (data) => (line += data));
  await new Promise((resolve) => made.on('close', resolve));
  mkdirSync(join(folder, 'guarded'));
  copyFileSync(fixture('form'), join(folder, 'guarded/form.wasm'));
  const sha256 = /sha256 = "([0-9a-f]+)"/.exec(line)[1];
  const guard = `\n[component.mcp.tool.mcp.auth.api_keys]\ntest = { sha256 = "${sha256}" }\n\n[component.mcp.tool.mcp.features.form]\nsource = "form.wasm"\n`;
  writeFileSync(join(folder, 'guarded/spin.toml'), APP('mcp', guard));
  mcp('compose', '--from', 'guarded');
  const [{ url }, { url: guarded }] = await Promise.all([serving('serve', 'pizza.wasm'), serving('serve', '--from', 'guarded')]);
  const { server, port: other } = await elsewhere();
  const example = join(folder, 'palette');
  cpSync(new URL('../../examples/app', import.meta.url), example, { recursive: true, dereference: true });
  // What other tests have built of the same dependencies.
  const shared = join(dirname(dirname(options.mcp)), 'tmp/template');
  mkdirSync(shared, { recursive: true });
  symlinkSync(shared, join(example, 'palette/target'));
  scaffold('add', 'mcp-app', 'sums', join(example, 'spin.toml'));
  symlinkSync(shared, join(example, 'sums/target'));
  mcp('build', '--from', 'palette');
  const { url: palette } = await serving('serve', '--from', 'palette');
  if (options.shots) await shots(browser, url);
  const tab = await browser.open(url);
  for (const [name, check] of Object.entries(checks)) {
    if (options.only && !name.includes(options.only)) continue;
    const began = Date.now();
    try {
      await check({ browser, tab, url, guarded, palette, key: key.trim(), other });
      assert.deepEqual(tab.errors, [], 'the console');
      passed += 1;
      console.log(`ok: ${name} (${Date.now() - began} ms)`);
    } catch (error) {
      failed += 1;
      tab.errors.length = 0;
      console.log(`FAILED: ${name}: ${error.stack}`);
    }
  }
  server.close();
} finally {
  for (const child of processes) child.kill('SIGKILL');
  await browser.end();
  rmSync(folder, { recursive: true, force: true });
}
console.log(`page: ${passed} passed, ${failed} failed`);
process.exit(failed ? 1 : 0);
