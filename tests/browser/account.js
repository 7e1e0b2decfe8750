// The account page: the profile, the password, the ways to sign in, and the sessions of somebody who is signed in.
import assert from 'node:assert/strict';

import { ADMIN, scenario } from '../harness/stage.js';

const BUYER = { email: 'bea.buyer@company.test', givenName: 'Bea', familyName: 'Buyer', password: 'copper window lemon 58' };
const NEW_PASSWORD = 'granite puzzle feather 64';
const OTHER = { name: 'Other', key: 'other-basic', method: 'basic' };

scenario('account', { certified: true }, (scene, stage) => {
  /** As far as this scenario has come: her password changes. */
  const bea = { ...BUYER };
  const account = () => `${stage.house.url}/back-office/account`;
  const signedIn = async (person) => {
    const visitor = await stage.visitor();
    await stage.signIn(visitor, person);
    await visitor.isSignedIn(person.givenName);
    return visitor;
  };
  const opened = async (person) => {
    const visitor = await signedIn(person);
    await visitor.press('Your account');
    assert.equal(visitor.url.pathname, '/back-office/account');
    return visitor;
  };
  /** Through the page that leads on, to the provider, and back. */
  const link = async (visitor, login) => {
    await visitor.press(`Link ${OTHER.name}`);
    await visitor.page.waitForURL((url) => url.origin !== stage.house.url);
    await visitor.fill({ login });
    await visitor.submit('login');
    await visitor.page.waitForURL((url) => url.origin === stage.house.url);
  };

  scene('the profile is changed, and what is wrong stands beside its field', async () => {
    await stage.house.addStaff(bea);
    const visitor = await opened(bea);
    await stage.look(visitor, 'account');
    await visitor.page.fill('[name="given_name"]', 'Beatrix');
    await visitor.page.selectOption('[name="locale"]', 'de');
    await visitor.press('Save the profile');
    await visitor.sees('Your profile is saved.');
    assert.equal(await visitor.page.inputValue('[name="locale"]'), 'de');
    await stage.look(visitor, 'account-saved');

    await visitor.tamper('/back-office/account/profile', (request) => ({
      postData: request.postData().replace('Beatrix', 'B'.repeat(101)),
    }));
    await visitor.press('Save the profile');
    assert.equal(await visitor.reason(), 'bad_name');
    assert.equal(await visitor.page.inputValue('[name="family_name"]'), 'Buyer');
    assert.equal(await visitor.page.getAttribute('[name="given_name"]', 'aria-invalid'), 'true');
    await stage.look(visitor, 'account-wrong');
  });

  scene('a password is changed with the one there is, and the other browsers are out', async () => {
    const other = await signedIn(bea);
    const visitor = await opened(bea);
    await visitor.fill({ current: 'not my password', password: NEW_PASSWORD, repeat: NEW_PASSWORD });
    await visitor.submit('current');
    assert.equal(await visitor.reason(), 'wrong_password');
    await stage.look(visitor, 'account-wrong-password');
    await visitor.fill({ current: bea.password, password: NEW_PASSWORD, repeat: NEW_PASSWORD });
    await visitor.submit('current');
    await visitor.sees('Your new password is set');
    await other.open(account());
    assert.equal(other.url.pathname, '/back-office/login');
    bea.password = NEW_PASSWORD;
  });

  scene('a provider is linked, signs in, and is unlinked', async () => {
    await stage.connectCertified({ ...OTHER, unknownUser: 'refuse', more: ['--manual-linking', 'on', '--link', 'trusted_email'] });
    stage.certified.people.set('bea-at-other', { email: 'b.buyer@other.test', email_verified: true });
    const visitor = await opened(bea);
    await stage.look(visitor, 'account-linkable');
    await link(visitor, 'bea-at-other');
    assert.equal(visitor.url.pathname, '/back-office/account', await visitor.text());
    await visitor.sees('is now a way to sign in');
    await visitor.sees('b.buyer@other.test');
    await stage.look(visitor, 'account-linked');

    const by = await stage.visitor();
    await stage.signInByCertified(by, 'bea-at-other', OTHER.name);
    await by.isSignedIn('Beatrix');

    await visitor.press('Unlink');
    await visitor.sees('is not a way to sign in any more');
    await by.open(account());
    assert.equal(by.url.pathname, '/back-office/login', 'what came by it has ended');
    await stage.look(visitor, 'account-unlinked');
  });

  scene('an identity that belongs to somebody else is not linked, and a sign-in of long ago is asked for again', async () => {
    const first = await opened(bea);
    await link(first, 'bea-at-other');
    const visitor = await opened(ADMIN);
    await link(visitor, 'bea-at-other');
    assert.equal(await visitor.reason(), 'identity_taken');
    assert.ok(!(await visitor.text()).includes('Beatrix'));
    await stage.look(visitor, 'refusal-identity-taken');
    await visitor.press('Back to your account');
    assert.equal(visitor.url.pathname, '/back-office/account');

    await stage.house.rows.change('UPDATE sessions SET auth_time = auth_time - 660000000');
    // What is in memory is older than that.
    await stage.house.program.stop();
    await stage.house.open();
    await visitor.press(`Link ${OTHER.name}`);
    assert.equal(visitor.url.pathname, '/back-office/login');
    await visitor.sees('sign in once more');
    await stage.look(visitor, 'login-fresh');
    await stage.fillIn(visitor, ADMIN);
    assert.equal(visitor.url.pathname, '/back-office/account');
  });

  scene('signing out one browser, and then everywhere', async () => {
    const one = await signedIn(ADMIN);
    const visitor = await opened(ADMIN);
    await visitor.sees('This browser');
    await stage.look(visitor, 'account-sessions');
    await visitor.page.locator('form[action$="/sessions/end"] button').first().click();
    await visitor.page.waitForLoadState();
    await visitor.sees('That session is signed out.');
    await one.open(account());
    assert.equal(one.url.pathname, '/back-office/login');
    await visitor.press('Sign out everywhere');
    await visitor.sees('You are signed out everywhere');
    await stage.look(visitor, 'login-signed-out-everywhere');
  });
});
