// A new identity is linked once its owner has given back a code that was sent to its address; staff sign in once besides.
import assert from 'node:assert/strict';

import { until } from '../harness/process.js';
import { scenario } from '../harness/stage.js';

const BEA = { email: 'bea.buyer@company.test', givenName: 'Bea', familyName: 'Buyer', password: 'copper window lemon 58' };
const CARL = 'carl.customer@shop.test';
const NEW = 'nell.new@shop.test';
const OTHER = { name: 'Other', key: 'other-basic', method: 'basic' };

scenario('mailbox', { certified: true }, (scene, stage) => {
  const at = (path) => `${stage.house.url}${path}`;
  /** Comes by the other provider, which does not vouch for the address. */
  const comes = async (door, email) => {
    const account = email.split('@')[0];
    stage.certified.people.set(account, { email, email_verified: false });
    const visitor = await stage.visitor();
    await visitor.open(at(`/${door}/login`));
    await visitor.press(`Login with ${OTHER.name}`);
    await visitor.fill({ login: account });
    await visitor.submit('login');
    await visitor.page.waitForURL((url) => url.origin === stage.house.url);
    assert.match(visitor.url.pathname, new RegExp(`^/${door}/proof/`), await visitor.text());
    return visitor;
  };
  const codeTo = async (email) => (await stage.mail.take(email)).text.match(/^ {4}(\w{4}-\w{4})$/m)[1];
  const wrong = (code) => (code[0] === '0' ? '1' : '0') + code.slice(1);
  const give = async (visitor, code) => {
    await visitor.fill({ code });
    await visitor.submit('code');
  };
  const identitiesOf = async (email, type) => (await stage.house.cli('users', 'show', email, '--type', type, '--json')).user.identities.length;

  scene('a customer gives back the code, once; then the provider is enough', async () => {
    await stage.connectCertified({ ...OTHER, unknownUser: 'refuse', more: ['--link', 'prove_mailbox'] });
    await stage.house.cli('providers', 'connect', OTHER.key, '--application', 'storefront', '--unknown-user', 'create', '--link', 'prove_mailbox');
    await until('a button', async () => (await (await fetch(at('/storefront/login'))).text()).includes(`/login/${OTHER.key}"`));
    await stage.house.cli('users', 'add', CARL, '--given-name', 'Carl', '--family-name', 'Customer', '--type', 'customer');
    const visitor = await comes('storefront', CARL);
    await visitor.sees(CARL);
    await stage.look(visitor, 'mailbox');
    await visitor.press('Send me a code');
    assert.equal(await visitor.reason(), 'code_sent');
    await stage.look(visitor, 'mailbox-sent');
    const code = await codeTo(CARL);
    await give(visitor, wrong(code));
    assert.equal(await visitor.reason(), 'wrong_code');
    await stage.look(visitor, 'mailbox-wrong');
    assert.equal(await identitiesOf(CARL, 'customer'), 0);
    await give(visitor, code);
    assert.equal(visitor.url.pathname, '/storefront', await visitor.text());
    await visitor.sees('Signed in as Carl Customer');
    assert.match((await stage.mail.take(CARL)).text, /Other is now a way to sign in/);
    assert.equal(await identitiesOf(CARL, 'customer'), 1);
  });

  scene('whoever has no account sees the same, and becomes a customer', async () => {
    const visitor = await comes('storefront', NEW);
    await visitor.press('Send me a code');
    const first = await codeTo(NEW);
    await visitor.press('Send another code');
    const newest = await codeTo(NEW);
    await give(visitor, first);
    assert.equal(await visitor.reason(), 'wrong_code', 'the newest counts');
    await give(visitor, newest);
    assert.equal(visitor.url.pathname, '/storefront', await visitor.text());
    const { user } = await stage.house.cli('users', 'show', NEW, '--type', 'customer', '--json');
    assert.deepEqual([user.status, user.identities.length], ['active', 1]);
  });

  scene('staff give back the code, and then sign in once', async () => {
    await stage.house.addStaff(BEA);
    const visitor = await comes('back-office', BEA.email);
    await stage.look(visitor, 'mailbox-staff');
    assert.equal(await visitor.page.locator('[name="password"]').count(), 0);
    await visitor.press('Send me a code');
    await give(visitor, await codeTo(BEA.email));
    assert.equal(await visitor.reason(), 'mailbox_shown');
    await stage.look(visitor, 'mailbox-shown');
    await visitor.page.goBack();
    await visitor.page.reload();
    assert.equal(await visitor.page.locator('[name="password"]').count(), 1, 'the page of before asks for what is next');
    assert.equal(await identitiesOf(BEA.email, 'staff'), 0);
    await visitor.fill({ password: BEA.password });
    await visitor.submit('password');
    await visitor.isSignedIn('Bea');
    assert.equal(await identitiesOf(BEA.email, 'staff'), 1);
  });

  scene('codes that are tried too often are of no use, and no more are sent', async () => {
    const email = 'tess.tries@shop.test';
    const visitor = await comes('storefront', email);
    for (const button of ['Send me a code', 'Send another code', 'Send another code']) {
      await visitor.press(button);
      const code = await codeTo(email);
      for (let tries = 0; tries < 5; tries++) await give(visitor, wrong(code));
      assert.equal(await visitor.page.locator('[name="code"]').count(), 0);
      if (button === 'Send me a code') await stage.look(visitor, 'mailbox-used-up');
    }
    await stage.look(visitor, 'mailbox-no-more');
    await visitor.sees('No more codes');
    const again = await comes('storefront', email);
    await again.press('Send me a code');
    assert.equal(await again.reason(), 'throttled');
    await stage.look(again, 'mailbox-throttled');
    await again.press('Sign in another way');
    assert.equal(again.url.pathname, '/storefront/login');
  });

  scene('what was shown before a fault is settled when they go on', async () => {
    const email = 'fay.fault@shop.test';
    const visitor = await comes('storefront', email);
    await stage.house.rows.change(`UPDATE proofs SET mailbox_shown_at = 1 WHERE id = '${visitor.url.pathname.split('/')[3]}'`);
    await visitor.page.reload();
    await stage.look(visitor, 'mailbox-everything-shown');
    await visitor.press('Go on');
    assert.equal(visitor.url.pathname, '/storefront', await visitor.text());
  });

  scene('a house that sends no mail says so', async () => {
    await stage.house.reopen((text) => text.replace(/^smtp_url.*$/m, ''));
    const visitor = await comes('storefront', 'nina.nomail@shop.test');
    await visitor.sees('no mail goes out from here');
    await stage.look(visitor, 'mailbox-no-mail');
    const said = await stage.house.cli('providers', 'change-connection', OTHER.key, '--application', 'storefront', '--link', 'prove_mailbox');
    assert.match(said, /Nobody who is asked for a code can come in yet: no mail goes out/);
  });
});
