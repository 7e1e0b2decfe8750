// What people do to a sign-in trip: reload, go back, two tabs, an old link, another browser.
import assert from 'node:assert/strict';

import { REALM_PASSWORD, scenario } from '../harness/stage.js';

scenario('faults', { keycloak: true }, (scene, stage) => {
  const callback = (query) => `${stage.house.url}/login/callback/company${query}`;
  let lastCallback;

  /** Signs in and keeps the address that Keycloak sent the browser to. */
  const signInAndKeepCallback = async (visitor) => {
    visitor.page.on('request', (request) => {
      if (request.url().startsWith(callback('?'))) lastCallback = request.url();
    });
    await stage.signInByKeycloak(visitor, 'nora');
    await visitor.isSignedIn('Nora');
  };

  scene('the callback loaded again by the same browser is quiet', async () => {
    await stage.connectKeycloak({ unknownUser: 'create' });
    const visitor = await stage.visitor();
    await signInAndKeepCallback(visitor);
    await visitor.open(lastCallback);
    await visitor.isSignedIn('Nora');
  });

  scene('the callback loaded by another browser is refused and leaves no session', async () => {
    const visitor = await stage.visitor();
    await visitor.open(lastCallback);
    assert.notEqual(visitor.url.pathname, '/back-office');
    assert.ok(await visitor.page.getAttribute('main', 'data-reason'), await visitor.text());
    await stage.look(visitor, 'refused-foreign-browser');
    await visitor.open(`${stage.house.url}/back-office`);
    assert.equal(visitor.url.pathname, '/back-office/login');
  });

  scene('the callback loaded after signing out is refused as replayed', async () => {
    const visitor = await stage.visitor();
    await signInAndKeepCallback(visitor);
    await visitor.press('Sign out');
    await visitor.open(lastCallback);
    await visitor.isRefused('attempt_replayed');
    await stage.look(visitor, 'refused-attempt-replayed');
  });

  scene('a bare or made-up callback is a page in plain words, never an error of ours', async () => {
    for (const query of ['', '?code=x&state=back-office_made-up', '?error=access_denied', '?state=%00&code=%ff']) {
      const visitor = await stage.visitor();
      const status = await visitor.open(callback(query));
      assert.ok(status < 500, `${query}: ${status}`);
      assert.ok(await visitor.page.getAttribute('main', 'data-reason'), await visitor.text());
      await stage.look(visitor, 'refused-callback');
    }
  });

  scene('two tabs may sign in at once', async () => {
    const one = await stage.visitor();
    const two = await one.tab();
    for (const tab of [one, two]) {
      await tab.open(`${stage.house.url}/back-office/login`);
      await tab.press('Login with Company');
      await tab.page.waitForSelector('#kc-login');
    }
    for (const tab of [two, one]) {
      const arrived = tab.page.waitForURL((url) => url.origin === stage.house.url || url.pathname.includes('/login-actions/'));
      const typed = async () => {
        await tab.fill({ username: 'nora', password: REALM_PASSWORD });
        await tab.page.click('#kc-login');
      };
      // Keycloak's own script takes the second tab along once the first has signed in, form or not.
      await Promise.any([typed(), arrived]);
      await arrived;
    }
    await two.open(`${stage.house.url}/back-office`);
    await two.isSignedIn('Nora');
  });

  scene('the back button after the trip does not start a loop', async () => {
    const visitor = await stage.visitor();
    await signInAndKeepCallback(visitor);
    await visitor.page.goBack();
    await visitor.page.waitForLoadState();
    await visitor.open(`${stage.house.url}/back-office`);
    await visitor.isSignedIn('Nora');
  });
});
