// Chromium by its DevTools protocol.

import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** For anything to happen on a page. */
const PATIENCE = 30_000;

export class Browser {
  #last = 0;
  #calls = new Map();
  #listeners = new Map();

  static async start(program, flags = []) {
    const browser = new Browser();
    browser.profile = mkdtempSync(join(tmpdir(), 'chromium-'));
    // As root there is no sandbox; CI has one user.
    const fixed = ['--headless', '--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage', '--remote-debugging-port=0', '--hide-scrollbars', '--disable-features=IsolateSandboxedIframes'];
    browser.process = spawn(program, [...fixed, `--user-data-dir=${browser.profile}`, ...flags, 'about:blank'], { stdio: ['ignore', 'ignore', 'pipe'] });
    const address = await new Promise((resolve, reject) => {
      let text = '';
      browser.process.stderr.on('data', (data) => {
        text += data;
        const found = /DevTools listening on (ws:\S+)/.exec(text);
        if (found) resolve(found[1]);
      });
      browser.process.on('exit', () => reject(new Error(`Chromium ended:\n${text}`)));
    });
    browser.socket = new WebSocket(address);
    await new Promise((resolve) => (browser.socket.onopen = resolve));
    browser.socket.onmessage = ({ data }) => browser.#receive(JSON.parse(data));
    return browser;
  }

  #receive({ id, method, params, result, error, sessionId }) {
    if (id === undefined) return this.#listeners.get(sessionId)?.(method, params);
    const { resolve, reject } = this.#calls.get(id);
    this.#calls.delete(id);
    if (error) reject(new Error(error.message));
    else resolve(result);
  }

  send(method, params = {}, sessionId) {
    const id = ++this.#last;
    this.socket.send(JSON.stringify({ id, method, params, sessionId }));
    return new Promise((resolve, reject) => this.#calls.set(id, { resolve, reject }));
  }

  /** A tab at an address. */
  async open(url, { width = 1280, height = 900, dark = false } = {}) {
    const { targetId } = await this.send('Target.createTarget', { url: 'about:blank' });
    const { sessionId } = await this.send('Target.attachToTarget', { targetId, flatten: true });
    const page = new Tab(this, sessionId);
    this.#listeners.set(sessionId, (method, params) => page.hear(method, params));
    for (const domain of ['Page', 'Runtime', 'Log', 'Network']) await page.send(`${domain}.enable`);
    await page.look(width, height, dark);
    await page.go(url);
    return page;
  }

  async end() {
    const ended = new Promise((resolve) => this.process.on('exit', resolve));
    this.send('Browser.close').catch(() => {});
    const late = setTimeout(() => this.process.kill('SIGKILL'), 3000);
    await ended;
    clearTimeout(late);
    rmSync(this.profile, { recursive: true, force: true, maxRetries: 5 });
  }
}

class Tab {
  /** What the console says is wrong, violations of the policy included. */
  errors = [];

  constructor(browser, session) {
    this.send = (method, params) => browser.send(method, params, session);
  }

  hear(method, params) {
    // The last one is that of the frame in the page, if it shows one.
    if (method === 'Runtime.executionContextCreated') this.last = params.context.uniqueId;
    if (method === 'Runtime.exceptionThrown') this.errors.push(params.exceptionDetails.exception?.description ?? params.exceptionDetails.text);
    if (method === 'Runtime.consoleAPICalled' && ['error', 'warning'].includes(params.type)) this.errors.push(params.args.map((one) => one.value ?? one.description).join(' '));
    if (method === 'Log.entryAdded' && params.entry.level === 'error') this.errors.push(`${params.entry.text} ${params.entry.url ?? ''}`);
  }

  look(width, height, dark) {
    return Promise.all([
      this.send('Emulation.setDeviceMetricsOverride', { width, height, deviceScaleFactor: 1, mobile: false }),
      this.send('Emulation.setEmulatedMedia', { features: [{ name: 'prefers-color-scheme', value: dark ? 'dark' : 'light' }] }),
    ]);
  }

  async go(url) {
    await this.send('Page.navigate', { url });
    await this.until(() => document.readyState === 'complete');
  }

  /** What a function returns in the page. */
  async run(does, ...given) {
    const expression = `(${does})(${given.map((one) => JSON.stringify(one)).join(', ')})`;
    const { result, exceptionDetails } = await this.send('Runtime.evaluate', { expression, uniqueContextId: this.context, awaitPromise: true, returnByValue: true });
    if (exceptionDetails) throw new Error(exceptionDetails.exception?.description ?? exceptionDetails.text);
    return result.value;
  }

  /** Waits until a function returns something, and returns that. */
  async until(does, ...given) {
    const deadline = Date.now() + PATIENCE;
    for (;;) {
      // While the page loads, there is nothing to run it in.
      const value = await this.run(does, ...given).catch(() => undefined);
      if (value) return value;
      if (Date.now() > deadline) throw new Error(`not within ${PATIENCE} ms: ${does}(${given.map((one) => JSON.stringify(one))})`);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }

  /** The frame that this page shows, which began after it. */
  async frame() {
    await this.until(() => document.querySelector('iframe'));
    const frame = Object.create(this);
    Object.defineProperty(frame, 'context', { get: () => this.last });
    await frame.until(() => self !== top);
    return frame;
  }

  /** Presses a key, as a person does. */
  async press(key, modifiers = 0) {
    const codes = { Tab: 9, Enter: 13, ' ': 32, Escape: 27 };
    const event = { key, code: key === ' ' ? 'Space' : key, windowsVirtualKeyCode: codes[key], modifiers, text: { Enter: '\r', ' ': ' ' }[key] };
    await this.send('Input.dispatchKeyEvent', { type: 'keyDown', ...event });
    await this.send('Input.dispatchKeyEvent', { type: 'keyUp', ...event });
  }

  type(text) {
    return this.send('Input.insertText', { text });
  }

  async shot(path, whole = false) {
    const { data } = await this.send('Page.captureScreenshot', { captureBeyondViewport: whole });
    writeFileSync(path, Buffer.from(data, 'base64'));
  }
}
