// A page behind nginx and behind Caddy, on a host name that our cookie never reaches.
import assert from 'node:assert/strict';

import { until } from '../harness/process.js';
import { ADMIN, scenario } from '../harness/stage.js';

const NAMES = ['User', 'Email', 'Name', 'Groups', 'Type', 'Token'];

for (const kind of ['nginx', 'caddy']) {
  scenario(`proxy-${kind}`, { proxy: kind }, (scene, stage) => {
    scene('a page asks to sign in, comes back to where it was, and knows who is there', async () => {
      const visitor = await signedIn(stage, '/cart?a=1&b=2');
      assert.equal(visitor.url.href, `${stage.page.url}/cart?a=1&b=2`);
      const headers = new Map(await stage.page.headers(visitor));
      const admin = await stage.house.showUser(ADMIN.email);
      assert.equal(headers.get('x-vestibule-user'), admin.public_id);
      assert.equal(headers.get('x-vestibule-email'), ADMIN.email);
      assert.equal(decodeURIComponent(headers.get('x-vestibule-name')), 'Ada Admin');
      assert.deepEqual(JSON.parse(decodeURIComponent(headers.get('x-vestibule-groups'))), ['administrators']);
      assert.equal(headers.get('x-vestibule-type'), 'staff');
      const claims = JSON.parse(Buffer.from(headers.get('x-vestibule-token').split('.')[1], 'base64url'));
      assert.equal(claims.aud, 'back-office');
      assert.equal(claims.sub, admin.public_id);
      assert.ok(claims.exp - claims.iat <= 60);
    });

    scene('forged headers arrive overwritten, in every spelling', async () => {
      const visitor = await signedIn(stage, '/');
      await visitor.page.setExtraHTTPHeaders(forged());
      await visitor.open(`${stage.page.url}/`);
      const headers = await stage.page.headers(visitor);
      const ours = headers.filter(([name]) => name.includes('vestibule'));
      assert.deepEqual(ours.filter(([, value]) => value.includes('forged')), []);
      assert.deepEqual(ours.map(([name]) => name).sort(), NAMES.map((name) => `x-vestibule-${name.toLowerCase()}`).sort());
    });

    scene('forged headers open nothing', async () => {
      for (const path of ['/', '/.vestibule-check', '/.VESTIBULE/start', '/anything.css']) {
        const { status } = await stage.page.ask(path, forged());
        assert.ok([401, 403, 404].includes(status), `${path}: ${status}`);
      }
      const host = { 'X-Forwarded-Host': new URL(stage.house.url).host, 'X-Forwarded-Uri': '/', 'X-Forwarded-Method': 'GET' };
      assert.equal((await stage.page.ask('/', host)).status, 401);
    });

    scene('paths that servers read differently are refused', async () => {
      for (const path of ['//a', '/a%2fb', '/a%5cb', '/a/..;/b', '/a;b', '/a/%2e%2e/b', '/a%252fb', '/a/../b']) {
        const { status } = await stage.page.ask(path);
        assert.ok([400, 403].includes(status), `${path}: ${status}`);
      }
    });

    scene('scripts are told 401, and people are led to the login', async () => {
      const script = await stage.page.ask('/data', { 'sec-fetch-mode': 'cors', accept: '*/*' });
      assert.equal(script.status, 401);
      const person = await stage.page.ask('/data', { 'sec-fetch-mode': 'navigate', accept: 'text/html' });
      assert.equal(person.status, 303);
      assert.equal(person.headers.location, `${stage.page.url}/.vestibule/start?return_to=%2Fdata`);
    });

    scene('signing out at the house shuts the page within a second', async () => {
      const visitor = await signedIn(stage, '/');
      await visitor.open(`${stage.house.url}/back-office`);
      await visitor.press('Sign out');
      await isShut(visitor, stage);
    });

    scene('deactivating by the command line shuts the page within a second', async () => {
      const eve = { email: `eve@company.test`, givenName: 'Eve', familyName: 'Editor', password: 'copper window lemon 58' };
      await stage.house.addStaff(eve);
      const visitor = await signedIn(stage, '/', eve);
      await stage.house.cli('users', 'deactivate', eve.email);
      await isShut(visitor, stage);
    });

    scene('signing out on the host asks first, and ends the session everywhere', async () => {
      const visitor = await signedIn(stage, '/');
      await visitor.open(`${stage.page.url}/.vestibule/logout`);
      await visitor.sees(stage.page.host);
      await stage.look(visitor, 'host-logout');
      await visitor.press('Sign out');
      await visitor.sees('You are signed out');
      await stage.look(visitor, 'host-signed-out');
      await isShut(visitor, stage);
      await visitor.open(`${stage.house.url}/back-office`);
      assert.equal(visitor.url.pathname, '/back-office/login');
    });

    scene('a form of another visit signs nobody out, and says what to do', async () => {
      const visitor = await signedIn(stage, '/');
      await visitor.open(`${stage.page.url}/.vestibule/logout`);
      await visitor.context.clearCookies({ name: /^vestibule_browser/, domain: 'shop.localhost' });
      const tab = await visitor.tab();
      await tab.open(`${stage.page.url}/.vestibule/logout`);
      await visitor.press('Sign out');
      await visitor.sees('once more');
      await stage.look(visitor, 'host-logout-form-expired');
      await visitor.open(`${stage.page.url}/`);
      await visitor.sees('Shop');
    });

    scene('a ticket that was used, and addresses that somebody made up, lead to a page', async () => {
      const visitor = await signedIn(stage, '/');
      await visitor.open(`${stage.page.url}/.vestibule/accept?ticket=none`);
      await visitor.sees('used already');
      await stage.look(visitor, 'host-ticket-refused');
      const enter = `${stage.house.url}/forward-auth/back-office/enter`;
      await visitor.open(`${enter}?host=${stage.page.host}`);
      await visitor.sees('not complete');
      await stage.look(visitor, 'host-incomplete');
      await visitor.open(`${enter}?host=evil.test`);
      await visitor.sees('not registered');
      await stage.look(visitor, 'host-not-registered');
    });

    scene('without cookies there is a page that says so, and no loop', async () => {
      const visitor = await signedIn(stage, '/');
      await visitor.context.clearCookies({ domain: 'shop.localhost' });
      await visitor.open(`${stage.page.url}/.vestibule/accept?ticket=none`);
      await visitor.sees('Allow cookies');
      await stage.look(visitor, 'host-no-cookie');
    });
  });
}

/** Somebody who opened a path of the page and signed in at the house. */
async function signedIn(stage, path, who = ADMIN) {
  const visitor = await stage.visitor();
  await visitor.open(`${stage.page.url}${path}`);
  assert.equal(visitor.url.origin, stage.house.url);
  assert.equal(visitor.url.pathname, '/back-office/login');
  await visitor.fill({ email: who.email, password: who.password });
  await visitor.submit('password');
  await visitor.sees('Shop');
  return visitor;
}

/** Within a second the page leads to the login. */
async function isShut(visitor, stage) {
  await until('the page is shut', async () => {
    await visitor.open(`${stage.page.url}/`);
    return visitor.url.pathname === '/back-office/login';
  }, { seconds: 1 });
}

/** Every header of ours as a visitor may forge it. */
function forged() {
  const spellings = ['X-Vestibule-', 'X_Vestibule_', 'X-Vestibule_', 'x_vestibule-'];
  return Object.fromEntries(NAMES.flatMap((name) => spellings.map((prefix) => [`${prefix}${name}`, 'forged'])));
}
