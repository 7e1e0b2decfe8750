// Staff sign in through a real Keycloak: created, linked, refused, cut off, and the same person under a new address.
import assert from 'node:assert/strict';

import { until } from '../harness/process.js';
import { ADMIN, REALM_PASSWORD, scenario } from '../harness/stage.js';

const LENA = { email: 'lena.linked@company.test', givenName: 'Lena', familyName: 'Local' };

scenario('keycloak', { keycloak: true }, (scene, stage) => {
  const login = () => `${stage.house.url}/back-office/login`;

  scene('the button of a connection that creates signs an unknown person in as a new, active user', async () => {
    await stage.house.cli('groups', 'add', 'newcomers');
    await stage.connectKeycloak({ unknownUser: 'create', group: 'newcomers' });
    const visitor = await stage.visitor();
    await visitor.open(login());
    await visitor.sees('Login with Company');
    await stage.look(visitor, 'login-with-provider');
    await stage.signInByKeycloak(visitor, 'nora');
    await visitor.isSignedIn('Nora Newcomer');
    await stage.look(visitor, 'home-by-provider');

    assert.equal((await stage.house.findUser('nora.newcomer@company.test')).status, 'active');
    const user = await stage.house.showUser('nora.newcomer@company.test');
    assert.deepEqual(user.groups, ['newcomers']);
    assert.equal(user.has_password, false);
  });

  scene('signing in again, without a question by Keycloak, is the same user', async () => {
    const before = (await stage.house.listUsers()).length;
    const visitor = await stage.visitor();
    await stage.signInByKeycloak(visitor, 'nora');
    await visitor.context.clearCookies({ name: /^vestibule_staff/ });
    await visitor.open(login());
    await visitor.press('Login with Company');
    await visitor.isSignedIn('Nora Newcomer');
    assert.equal((await stage.house.listUsers()).length, before);
  });

  scene('the return target is kept through the whole trip', async () => {
    const visitor = await stage.visitor();
    await stage.signInByKeycloak(visitor, 'nora', { query: '?return_to=%2Fback-office%3Ftab%3Dorders' });
    assert.equal(visitor.url.href, `${stage.house.url}/back-office?tab=orders`);
  });

  scene('an e-mail address changed at Keycloak is still the same user, whose own address stays', async () => {
    const user = await stage.house.findUser('nora.newcomer@company.test');
    await stage.realm.change('nora', { email: 'nora.married@company.test', emailVerified: true });
    const visitor = await stage.visitor();
    await stage.signInByKeycloak(visitor, 'nora');
    await visitor.isSignedIn('Nora Newcomer');
    assert.equal((await stage.house.findUser('nora.newcomer@company.test')).id, user.id);
    assert.equal(await stage.house.findUser('nora.married@company.test'), undefined);
    const { identities } = await stage.house.showUser(user.email);
    assert.deepEqual(identities.map((identity) => identity.email), ['nora.married@company.test']);
  });

  scene('deactivating ends the open session at once, and Keycloak opens the door no more', async () => {
    const visitor = await stage.visitor();
    await stage.signInByKeycloak(visitor, 'nora');
    await visitor.isSignedIn('Nora');
    await stage.house.cli('users', 'deactivate', 'nora.newcomer@company.test');
    await until('the session ends', async () => {
      await visitor.open(`${stage.house.url}/back-office`);
      return visitor.url.pathname === '/back-office/login';
    }, { seconds: 1 });

    await stage.signInByKeycloak(visitor, 'nora');
    await visitor.isRefused('user_deactivated');
    await stage.look(visitor, 'refused-user-deactivated');
    await visitor.open(`${stage.house.url}/back-office`);
    assert.equal(visitor.url.pathname, '/back-office/login', 'a refusal leaves no session');

    await stage.house.cli('users', 'activate', 'nora.newcomer@company.test');
    await stage.signInByKeycloak(visitor, 'nora');
    await visitor.isSignedIn('Nora');
  });

  scene('a deleted user is told so; restored and activated, they are let in again without their groups', async () => {
    await stage.house.cli('users', 'delete', 'nora.newcomer@company.test');
    const visitor = await stage.visitor();
    await stage.signInByKeycloak(visitor, 'nora');
    await visitor.isRefused('user_deleted');
    await stage.look(visitor, 'refused-user-deleted');
    await stage.house.cli('users', 'restore', 'nora.newcomer@company.test');
    await stage.house.cli('users', 'activate', 'nora.newcomer@company.test');
    await stage.signInByKeycloak(visitor, 'nora');
    await visitor.isSignedIn('Nora');
    assert.deepEqual((await stage.house.showUser('nora.newcomer@company.test')).groups, []);
  });

  scene('a known, vouched-for address is linked, not created twice', async () => {
    const { id } = await stage.house.addStaff(LENA);
    const visitor = await stage.visitor();
    await stage.signInByKeycloak(visitor, 'lena');
    await visitor.isSignedIn('Lena Local');
    const same = (await stage.house.listUsers()).filter((user) => user.email === LENA.email);
    assert.equal(same.length, 1);
    assert.equal(same[0].id, id);
  });

  scene('an address that Keycloak itself calls unverified opens nothing', async () => {
    const visitor = await stage.visitor();
    await stage.signInByKeycloak(visitor, 'ulf');
    await visitor.isRefused('email_untrusted');
    await stage.look(visitor, 'refused-email-untrusted');
    assert.equal(await stage.house.findUser('ulf.unverified@company.test'), undefined);
  });

  scene('under "refuse" an unknown person is told why, and the support code finds the decision', async () => {
    await stage.connectKeycloak({ name: 'Strict Company', key: 'strict', unknownUser: 'refuse' });
    const visitor = await stage.visitor();
    await stage.signInByKeycloak(visitor, 'rufus', { name: 'Strict Company' });
    await visitor.isRefused('unknown_user');
    await stage.look(visitor, 'refused-unknown-user');
    assert.equal(await stage.house.findUser('rufus.refused@company.test'), undefined);

    const entry = await stage.house.cli('audit', 'show', visitor.supportCode);
    assert.match(entry, /unknown_user/);
    assert.ok(!entry.includes('rufus.refused@company.test'), 'claims are redacted');
  });

  scene('a provider that is switched off lets nobody in, and its sessions out', async () => {
    const visitor = await stage.visitor();
    await stage.signInByKeycloak(visitor, 'lena');
    await visitor.isSignedIn('Lena');
    await stage.house.cli('providers', 'disable', 'company');
    await until('the session ends', async () => {
      await visitor.open(`${stage.house.url}/back-office`);
      return visitor.url.pathname === '/back-office/login';
    }, { seconds: 1 });
    assert.ok(!(await visitor.text()).includes('Login with Company'));

    await stage.house.cli('providers', 'enable', 'company');
    const late = await stage.visitor();
    await until('the button is back', async () => {
      await late.open(login());
      return (await late.text()).includes('Login with Company');
    }, { seconds: 1 });
    await late.press('Login with Company');
    await late.page.waitForSelector('#kc-login');
    await stage.house.cli('providers', 'disable', 'company');
    await late.fill({ username: 'lena', password: REALM_PASSWORD });
    await late.page.click('#kc-login');
    await late.page.waitForURL((url) => url.origin === stage.house.url);
    await late.isRefused('provider_disabled');
    await stage.look(late, 'refused-provider-disabled');
  });

  scene('whatever happens to providers, the administrator has a password', async () => {
    const visitor = await stage.visitor();
    await stage.signIn(visitor, ADMIN);
    await visitor.isSignedIn('Ada Admin');
  });
});
