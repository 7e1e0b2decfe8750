// A new identity is linked once its owner has signed in with what the account already has: a password, or another provider.
import assert from 'node:assert/strict';

import { until } from '../harness/process.js';
import { REALM_PASSWORD, scenario } from '../harness/stage.js';

const BUYER = { email: 'bea.buyer@company.test', givenName: 'Bea', familyName: 'Buyer', password: 'copper window lemon 58' };
const LENA = 'lena.linked@company.test';
const NOBODY = 'nobody.yet@company.test';
const OTHER = { name: 'Other', key: 'other-basic', method: 'basic' };

scenario('proof', { keycloak: true, certified: true }, (scene, stage) => {
  /** Comes by the other provider, which does not vouch for the address; ends where proof is asked for. */
  const asked = async (email) => {
    const account = email.split('@')[0];
    stage.certified.people.set(account, { email, email_verified: false });
    const visitor = await stage.visitor();
    await stage.signInByCertified(visitor, account, OTHER.name);
    assert.match(visitor.url.pathname, /^\/back-office\/proof\//, await visitor.text());
    return visitor;
  };
  const show = async (visitor, password) => {
    await visitor.fill({ password });
    await visitor.submit('password');
  };
  /** On to Keycloak from the page, and back. */
  const showByKeycloak = async (visitor, username) => {
    await visitor.press('Sign in once with Company');
    await visitor.page.waitForURL((url) => url.origin !== stage.house.url);
    await visitor.fill({ username, password: REALM_PASSWORD });
    await visitor.page.click('#kc-login');
    await visitor.page.waitForURL((url) => url.origin === stage.house.url);
    await visitor.page.waitForLoadState();
  };
  const identitiesOf = async (email) => (await stage.house.showUser(email)).identities.length;

  scene('with the password of the account, once; then the provider is enough', async () => {
    await stage.connectCertified({ ...OTHER, unknownUser: 'refuse', more: ['--link', 'ask_proof'] });
    await stage.house.addStaff(BUYER);
    const visitor = await asked(BUYER.email);
    await visitor.sees(BUYER.email);
    await stage.look(visitor, 'proof');
    await show(visitor, 'not my password');
    assert.equal(await visitor.reason(), 'not_accepted');
    await stage.look(visitor, 'proof-wrong');
    assert.equal(await identitiesOf(BUYER.email), 0);
    await show(visitor, BUYER.password);
    await visitor.isSignedIn('Bea');
    assert.match((await stage.mail.take(BUYER.email)).text, /Other is now a way to sign in/);

    const again = await stage.visitor();
    await stage.signInByCertified(again, 'bea.buyer', OTHER.name);
    await again.isSignedIn('Bea');
  });

  scene('whoever has no account sees the same, and finds the way back', async () => {
    const visitor = await asked(NOBODY);
    const empty = await asked(LENA);
    assert.equal((await visitor.text()).replaceAll(NOBODY, LENA), await empty.text());
    await show(visitor, BUYER.password);
    assert.equal(await visitor.reason(), 'not_accepted');
    await visitor.press('I have no account here');
    assert.equal(visitor.url.pathname, '/back-office/login');
  });

  scene('the address of the page is worth nothing in another browser', async () => {
    const visitor = await asked(NOBODY);
    const thief = await stage.visitor();
    await thief.open(visitor.url.href);
    await thief.isRefused('attempt_foreign');
  });

  scene('where no passwords are taken, by another provider that the account has, and by nobody else there', async () => {
    await stage.connectKeycloak({ unknownUser: 'refuse' });
    await stage.house.addStaff({ email: LENA, givenName: 'Lena', familyName: 'Local' });
    await stage.house.addStaff({ email: 'nora.newcomer@company.test', givenName: 'Nora', familyName: 'Newcomer' });
    for (const [username, name] of [['lena', 'Lena'], ['nora', 'Nora']]) {
      const visitor = await stage.visitor();
      await stage.signInByKeycloak(visitor, username);
      await visitor.isSignedIn(name);
    }
    const both = await asked(LENA);
    await stage.look(both, 'proof-either-way');
    await stage.house.cli('applications', 'change', 'back-office', '--password', 'off', '--force');
    await until('no password form', async () => !(await (await fetch(`${stage.house.url}/back-office/login?ways=all`)).text()).includes('type="password"'));

    const stranger = await asked(LENA);
    assert.equal(await stranger.page.locator('[name="password"]').count(), 0);
    await stage.look(stranger, 'proof-by-provider');
    await showByKeycloak(stranger, 'nora');
    assert.equal(await stranger.reason(), 'not_the_account');
    await stage.look(stranger, 'proof-not-the-account');
    assert.equal(await identitiesOf(LENA), 1);
    const visitor = await asked(LENA);
    await showByKeycloak(visitor, 'lena');
    await visitor.isSignedIn('Lena');
    assert.equal(await identitiesOf(LENA), 2);
  });

  scene('an account that has another address by then is not linked', async () => {
    const change = (email, name) => stage.house.rows.change(
      `UPDATE users SET email = '${email}', email_key = '${email}' WHERE given_name = '${name}'`,
    );
    stage.certified.people.set('nora-elsewhere', { email: 'nora.newcomer@company.test', email_verified: false });
    const visitor = await stage.visitor();
    await stage.signInByCertified(visitor, 'nora-elsewhere', OTHER.name);
    await change('nora.moved@company.test', 'Nora');
    await showByKeycloak(visitor, 'nora');
    await visitor.isRefused('proof_void');
    await stage.look(visitor, 'refusal-proof-void');
    assert.equal(await identitiesOf('nora.moved@company.test'), 1);
  });
});
