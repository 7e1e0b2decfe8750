// Which way in: straight to a provider, by an address that somebody types, and from the wrong door to the right one.
import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { until } from '../harness/process.js';
import { ADMIN, REALM_PASSWORD, scenario } from '../harness/stage.js';

const DOMAIN = 'company.test';

scenario('ways', { keycloak: true }, (scene, stage) => {
  const at = (path) => `${stage.house.url}${path}`;
  const isAtKeycloak = (visitor) => assert.equal(visitor.url.origin, new URL(stage.realm.issuer).origin, visitor.url.href);
  const shows = (path, words) => until(`${path} says ${words}`, async () => (await (await fetch(at(path))).text()).includes(words));

  const answerKeycloak = async (visitor, username) => {
    await visitor.fill({ username, password: REALM_PASSWORD });
    await visitor.page.click('#kc-login');
    await visitor.page.waitForURL((url) => url.origin === stage.house.url);
    await visitor.page.waitForLoadState();
  };

  scene('a door with one provider sends people straight to it', async () => {
    await stage.connectKeycloak({ unknownUser: 'create' });
    await stage.house.cli('applications', 'change', 'back-office', '--auto-redirect', 'company');
    await until('the door sends people on', async () => {
      const page = await fetch(at('/back-office/login'), { redirect: 'manual' });
      return page.status === 303;
    });
    const visitor = await stage.visitor();
    await visitor.open(at('/back-office?tab=orders'));
    isAtKeycloak(visitor);
    await answerKeycloak(visitor, 'nora');
    assert.equal(visitor.url.href, at('/back-office?tab=orders'));
    await visitor.sees('Signed in as Nora');
  });

  scene('who signs out stays out, and another person can sign in at the same browser', async () => {
    const visitor = stage.visitors.at(-1);
    await visitor.press('Sign out');
    assert.equal(visitor.url.pathname, '/back-office/login');
    await visitor.sees('You are signed out');
    await stage.look(visitor, 'login-sends-on-signed-out');
    await visitor.press('Login with Company');
    isAtKeycloak(visitor);
    await visitor.sees('Please re-authenticate to continue');
    // Keycloak's way to be somebody else is a script.
    if (!stage.javaScript) return;
    await visitor.page.click('#reset-login');
    await visitor.page.waitForLoadState();
    await answerKeycloak(visitor, 'lena');
    await visitor.isSignedIn('Lena');
  });

  scene('who is refused gets the reason, and then the page, and never goes round', async () => {
    await stage.house.cli('users', 'deactivate', 'nora.newcomer@company.test');
    const visitor = await stage.visitor();
    await visitor.open(at('/back-office'));
    await answerKeycloak(visitor, 'nora');
    await visitor.isRefused('user_deactivated');
    await visitor.press('Back to the sign-in');
    assert.equal(visitor.url.pathname, '/back-office/login');
    await visitor.sees('Login with Company');
    await stage.house.cli('users', 'activate', 'nora.newcomer@company.test');
  });

  scene('the page with every way in, and a password, can be asked for', async () => {
    const visitor = await stage.visitor();
    await visitor.open(at('/back-office/login?ways=all'));
    await stage.fillIn(visitor, ADMIN);
    await visitor.isSignedIn('Ada Admin');
  });

  scene('somebody types an address and is led to the company that has it', async () => {
    await stage.house.cli('providers', 'change', 'company', '--trusted-domain', DOMAIN);
    await shows('/back-office/login?ways=all', 'Find my company');
    const visitor = await stage.visitor();
    await visitor.open(at('/back-office/login?ways=all'));
    await stage.look(visitor, 'login-find');
    await visitor.fill({ email: `nora.newcomer@${DOMAIN}` });
    // Held here for a look; it goes on by itself.
    const isStart = (url) => url.pathname === '/back-office/login/company';
    await visitor.page.route(isStart, (route) => route.fulfill({ status: 204 }));
    await visitor.press('Find my company');
    await visitor.sees('You sign in with Company');
    await stage.look(visitor, 'login-found');
    await visitor.page.unroute(isStart);
    await visitor.press('Continue with Company');
    isAtKeycloak(visitor);
    assert.equal(await visitor.page.inputValue('[name="username"]'), `nora.newcomer@${DOMAIN}`);

    const other = await stage.visitor();
    await other.open(at('/back-office/login?ways=all'));
    await other.fill({ email: 'COMPANY' });
    await other.press('Find my company');
    await other.page.waitForURL((url) => url.origin !== stage.house.url);
    isAtKeycloak(other);
  });

  scene('an address of nobody leads nowhere, whether it has an account or not', async () => {
    const texts = [];
    await stage.house.addStaff({ email: 'ann@elsewhere.test', givenName: 'Ann', familyName: 'Else' });
    for (const email of ['ann@elsewhere.test', 'bob@elsewhere.test', 'ann@sub.company.test']) {
      const visitor = await stage.visitor();
      await visitor.open(at('/back-office/login?ways=all'));
      await visitor.fill({ email });
      await visitor.press('Find my company');
      assert.equal(await visitor.reason(), 'way_not_found');
      assert.equal(await visitor.page.inputValue('[name="email"]'), email);
      texts.push(await visitor.page.innerText('[role="alert"]'));
      await stage.look(visitor, 'login-way-not-found');
    }
    assert.equal(new Set(texts).size, 1);
  });

  scene('of two companies with one domain the person chooses', async () => {
    await stage.connectKeycloak({ name: 'Company Group', key: 'group', unknownUser: 'refuse', more: ['--trusted-domain', DOMAIN] });
    await shows('/back-office/login?ways=all', 'Company Group');
    const visitor = await stage.visitor();
    await visitor.open(at('/back-office/login?ways=all'));
    await visitor.fill({ email: `ann@${DOMAIN}` });
    await visitor.press('Find my company');
    await visitor.sees('Which one is yours?');
    await stage.look(visitor, 'login-choose-way');
    await visitor.press('Continue with Company Group');
    isAtKeycloak(visitor);
  });

  scene('who is signed in at another door is told the way there', async () => {
    await stage.house.cli('providers', 'connect', 'company', '--application', 'merchant-portal', '--unknown-user', 'refuse');
    await shows('/merchant-portal/login', 'Login with Company');
    const visitor = await stage.visitor();
    await stage.signIn(visitor, ADMIN, '?ways=all');
    await visitor.isSignedIn('Ada Admin');
    await visitor.open(at('/storefront/login'));
    await visitor.sees('You are signed in as Ada Admin at Back Office');
    await stage.look(visitor, 'login-elsewhere');
    await visitor.open(at('/merchant-portal/login'));
    await visitor.press('Login with Company');
    await answerKeycloak(visitor, 'nora');
    await visitor.isRefused('unknown_user');
    await stage.look(visitor, 'refused-at-the-wrong-door');
    await visitor.press('Back Office');
    await visitor.isSignedIn('Ada Admin');
  });

  scene('buttons say and look as each company wants', async () => {
    const icon = join(stage.house.folder, 'icon.svg');
    await writeFile(icon, '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 24 24"><circle cx="12" cy="12" r="11" fill="#ffd400"/><path d="M6 12.5l4 4 8-9" fill="none" stroke="#16202a" stroke-width="3"/></svg>');
    const change = (key, ...more) => stage.house.cli('providers', 'change-connection', key, '--application', 'back-office', ...more);
    await change('company', '--button-label', 'Staff of the company', '--button-icon', icon, '--button-colour', '#0b2e59');
    await change('group', '--button-label', 'Everybody else in the group', '--button-colour', '#ffd400', '--position', '-1');
    await shows('/back-office/login?ways=all', 'Everybody else in the group');
    const visitor = await stage.visitor();
    await visitor.open(at('/back-office/login?ways=all'));
    const buttons = visitor.page.locator('.providers a');
    assert.deepEqual(await buttons.allInnerTexts(), ['Everybody else in the group', 'Staff of the company']);
    const look = (button) => button.evaluate((element) => {
      const { backgroundColor, color } = getComputedStyle(element);
      return [backgroundColor, color];
    });
    if (stage.javaScript) {
      assert.deepEqual(await look(buttons.nth(0)), ['rgb(255, 212, 0)', 'rgb(0, 0, 0)']);
      assert.deepEqual(await look(buttons.nth(1)), ['rgb(11, 46, 89)', 'rgb(255, 255, 255)']);
      const width = await buttons.nth(1).locator('img').evaluate((image) => image.complete && image.naturalWidth);
      assert.ok(width > 0, 'the icon is there');
    }
    await stage.look(visitor, 'login-own-buttons');
    await change('group', '--button-hidden', 'on');
    await until('one button is hidden', async () => !(await (await fetch(at('/back-office/login?ways=all'))).text()).includes('Everybody else'));
    await visitor.open(at('/back-office/login?ways=all'));
    assert.deepEqual(await buttons.allInnerTexts(), ['Staff of the company']);
    await visitor.press('Staff of the company');
    isAtKeycloak(visitor);
    await change('company', '--no-button-label', '--no-button-icon', '--no-button-colour');
    await change('group', '--no-button-label', '--no-button-colour', '--button-hidden', 'off');
    await shows('/back-office/login?ways=all', 'Login with Company Group');
  });

  scene('where no passwords are taken, an address is all that is asked for', async () => {
    await stage.house.cli('applications', 'change', 'back-office', '--auto-redirect', 'none', '--password', 'off', '--force');
    await shows('/back-office/login', 'or name of your company');
    const visitor = await stage.visitor();
    await visitor.open(at('/back-office/login'));
    assert.equal(await visitor.page.locator('[name="password"]').count(), 0);
    await stage.look(visitor, 'login-address-only');
    await visitor.fill({ email: 'company group' });
    await visitor.page.press('[name="email"]', 'Enter');
    await visitor.page.waitForURL((url) => url.origin !== stage.house.url);
    isAtKeycloak(visitor);
  });
});
