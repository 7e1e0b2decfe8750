// Chromium, driven by Playwright: visitors with JavaScript on or off, screenshots, and the accessibility check.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';

import { chromium } from 'playwright-core';

import { outputDir } from './process.js';

const ARGUMENTS = [
  '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
  '--disable-component-update', '--disable-sync',
];
const WIDE = { width: 1280, height: 800 };
const NARROW = { width: 360, height: 640 };
const WCAG = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22a', 'wcag22aa'];

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const screens = join(outputDir, 'screens');

/** Names of everything that was looked at in this run. */
export const looked = new Set();

/** The one that scripts/neighbours found or installed. */
const chromiumOnPath = () => {
  const find = 'command -v chromium-headless-shell || command -v chromium';
  return execFileSync('/bin/sh', ['-c', find], { encoding: 'utf8' }).trim();
};

export class Browser {
  static async start() {
    mkdirSync(screens, { recursive: true });
    const browser = new Browser();
    browser.chromium = await chromium.launch({ executablePath: chromiumOnPath(), args: ARGUMENTS });
    return browser;
  }

  /** Somebody with an empty cookie jar. */
  async visitor({ javaScript = true } = {}) {
    // Where there is TLS, the certificate is of an authority that a test has just made.
    const ways = { javaScriptEnabled: javaScript, viewport: WIDE, locale: 'en-GB', ignoreHTTPSErrors: true };
    const context = await this.chromium.newContext(ways);
    context.setDefaultTimeout(20_000);
    return new Visitor(context, await context.newPage());
  }

  stop() {
    return this.chromium.close();
  }
}

export class Visitor {
  constructor(context, page) {
    this.context = context;
    this.page = page;
  }

  /** Opens an address; answers the status of the page that came. */
  async open(url) {
    const response = await this.page.goto(url);
    return response.status();
  }

  /** Another tab of the same browser. */
  async tab() {
    return new Visitor(this.context, await this.context.newPage());
  }

  async fill(fields) {
    for (const [name, value] of Object.entries(fields)) await this.page.fill(`[name="${name}"]`, value);
  }

  /** Presses the button of the form that holds the named field, and waits for what follows. */
  async submit(field) {
    await this.page.click(`form:has([name="${field}"]) button:not([type="button"])`);
    await this.page.waitForLoadState();
  }

  /** Follows a link or presses a button by what it says. */
  async press(words) {
    await this.page.locator('a, button', { hasText: words }).first().click();
    await this.page.waitForLoadState();
  }

  /** What the page says why it is not what was asked for. */
  reason() {
    return this.page.getAttribute('main', 'data-reason');
  }

  /** Changes the next request to a path on its way: its method, headers or body. */
  async tamper(path, change) {
    const isIt = (url) => url.pathname === path;
    await this.page.route(isIt, (route) => route.continue(change(route.request())), { times: 1 });
  }

  get url() {
    return new URL(this.page.url());
  }

  /** What a person reads. */
  text() {
    return this.page.innerText('body');
  }

  async sees(words) {
    const text = await this.text();
    assert.ok(words instanceof RegExp ? words.test(text) : text.includes(words), `"${words}" is not on the page:\n${text}`);
  }

  async isSignedIn(name = '') {
    assert.equal(this.url.pathname, '/back-office', await this.text());
    await this.sees(`Signed in as ${name}`);
  }

  /** The page that refuses: its reason; the support code is kept for `audit show`. */
  async isRefused(reason) {
    const main = this.page.locator('main');
    assert.equal(await main.getAttribute('data-reason'), reason, await this.text());
    this.supportCode = (await this.page.innerText('code.support-code')).trim();
    assert.ok(this.supportCode.length >= 6, 'a refusal shows a support code');
  }

  /** Screenshots, wide and narrow, and no violation of WCAG 2.2 AA in either; nothing to scroll sideways. */
  async look(name) {
    looked.add(name);
    for (const [kind, size] of [['wide', WIDE], ['narrow', NARROW]]) {
      await this.page.setViewportSize(size);
      await this.page.screenshot({ path: join(screens, `${name}-${kind}.png`), fullPage: true });
      await this.checkAccessibility(`${name}, ${kind}`);
      const width = await this.page.evaluate('document.scrollingElement.scrollWidth');
      assert.ok(width <= size.width, `${name}, ${kind}: the page is ${width} wide`);
    }
    await this.page.setViewportSize(WIDE);
  }

  async checkAccessibility(where) {
    await this.page.evaluate(axe);
    const options = JSON.stringify({ runOnly: { type: 'tag', values: WCAG } });
    const { violations } = await this.page.evaluate(`axe.run(document, ${options})`);
    const said = violations.map(({ id, help, nodes }) => `${id}: ${help}: ${nodes.map((node) => node.html).join(' ')}`);
    assert.deepEqual(said, [], `accessibility of ${where}`);
  }

  leave() {
    return this.context.close();
  }
}
