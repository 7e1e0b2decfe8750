// Staff sign in with e-mail and password: the plain way, the wrong way, too often, and out again.
import assert from 'node:assert/strict';

import { until } from '../harness/process.js';
import { ADMIN, scenario } from '../harness/stage.js';

const BEA = { email: 'bea.buyer@company.test', givenName: 'Bea', familyName: 'Buyer', password: 'copper window lemon 58' };
const CARL = { email: 'carl.clerk@company.test', givenName: 'Carl', familyName: 'Clerk', password: 'meadow ticket orbit 27' };
const NEW_PASSWORD = 'granite puzzle feather 64';

scenario('password', {}, (scene, stage) => {
  scene('a door without a session leads to the login page', async () => {
    const visitor = await stage.visitor();
    await visitor.open(`${stage.house.url}/back-office`);
    assert.equal(visitor.url.pathname, '/back-office/login');
    await stage.look(visitor, 'login');
  });

  scene('e-mail and password open the back office, and signing out closes it', async () => {
    const visitor = await stage.visitor();
    await stage.signIn(visitor, ADMIN);
    await visitor.isSignedIn('Ada Admin');
    await stage.look(visitor, 'home');

    await visitor.press('Sign out');
    await visitor.open(`${stage.house.url}/back-office`);
    assert.equal(visitor.url.pathname, '/back-office/login');
  });

  scene('the back button after signing out shows nothing of the back office', async () => {
    const visitor = await stage.visitor();
    await stage.signIn(visitor, ADMIN);
    await visitor.isSignedIn('Ada Admin');
    await visitor.press('Sign out');
    await visitor.page.goBack();
    assert.ok(!(await visitor.text()).includes('Ada Admin'), await visitor.text());
  });

  scene('capitals in the e-mail address make no difference', async () => {
    const visitor = await stage.visitor();
    await stage.signIn(visitor, { ...ADMIN, email: 'Ada.ADMIN@Company.Test' });
    await visitor.isSignedIn('Ada Admin');
  });

  scene('a wrong password and an unknown address read the same', async () => {
    const texts = [];
    for (const email of [ADMIN.email, 'nobody.here@company.test']) {
      const visitor = await stage.visitor();
      await stage.signIn(visitor, { email, password: 'not the password at all' });
      assert.equal(visitor.url.pathname, '/back-office/login');
      assert.equal(await visitor.page.inputValue('[name="password"]'), '');
      texts.push(await visitor.page.innerText('[role="alert"]'));
      await stage.look(visitor, 'login-wrong');
    }
    assert.equal(texts[0], texts[1]);
  });

  scene('the return target is kept through the trip, and only paths of ours count', async () => {
    const visitor = await stage.visitor();
    await stage.signIn(visitor, { ...ADMIN, password: 'mistyped the first time' }, '?return_to=%2Fback-office%3Ftab%3Dorders');
    await visitor.fill({ email: ADMIN.email, password: ADMIN.password });
    await visitor.submit('password');
    assert.equal(visitor.url.href, `${stage.house.url}/back-office?tab=orders`);

    for (const target of ['https://evil.test/', '//evil.test/', '/\\evil.test']) {
      const other = await stage.visitor();
      await stage.signIn(other, ADMIN, `?return_to=${encodeURIComponent(target)}`);
      assert.equal(other.url.href, `${stage.house.url}/back-office`);
    }
  });

  scene('nine failures in a row make everybody at that network wait, for that account alone', async () => {
    await stage.house.addStaff(BEA);
    const visitor = await stage.visitor();
    await stage.signIn(visitor, { ...BEA, password: 'wrong number 1' });
    for (let failure = 2; failure <= 9; failure += 1) {
      await visitor.fill({ email: BEA.email, password: `wrong number ${failure}` });
      await visitor.submit('password');
    }
    const late = await stage.visitor();
    await stage.signIn(late, BEA);
    assert.equal(late.url.pathname, '/back-office/login');
    await late.sees(/\b[1-6] minutes?\b/);
    await stage.look(late, 'login-throttled');

    const colleague = await stage.visitor();
    await stage.signIn(colleague, ADMIN);
    await colleague.isSignedIn('Ada Admin');
  });

  scene('deactivating by the command line ends the open session at once, and activating lets in again', async () => {
    await stage.house.addStaff(CARL);
    const visitor = await stage.visitor();
    await stage.signIn(visitor, CARL);
    await visitor.isSignedIn('Carl Clerk');

    await stage.house.cli('users', 'deactivate', CARL.email);
    await leavesWithin(visitor, stage, 1);
    await visitor.sees('Your session has ended');
    await stage.look(visitor, 'login-again');
    await stage.signIn(visitor, CARL);
    assert.equal(visitor.url.pathname, '/back-office/login');

    await stage.house.cli('users', 'activate', CARL.email);
    await stage.signIn(visitor, CARL);
    await visitor.isSignedIn('Carl Clerk');
  });

  scene('a new password, set by the command line, ends the sessions of the old one', async () => {
    const visitor = await stage.visitor();
    await stage.signIn(visitor, CARL);
    await visitor.isSignedIn('Carl Clerk');
    const file = stage.house.secretFile('new-password', NEW_PASSWORD);
    await stage.house.cli('users', 'set-password', CARL.email, '--password-file', file);
    await leavesWithin(visitor, stage, 1);
    await stage.signIn(visitor, { ...CARL, password: NEW_PASSWORD });
    await visitor.isSignedIn('Carl Clerk');
  });

  scene('nobody deactivates the last administrator', async () => {
    const said = await stage.house.cliRefused('users', 'deactivate', ADMIN.email);
    assert.match(said, /administrator/i);
  });
});

/** The session of a visitor ends: the next page is the login. */
async function leavesWithin(visitor, stage, seconds) {
  await until('the session ends', async () => {
    await visitor.open(`${stage.house.url}/back-office`);
    return visitor.url.pathname === '/back-office/login';
  }, { seconds, every: 50 });
}
