// A page without a server signs its people in: `oidc-client-ts` in Chromium, across origins, as a public client.
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { after } from 'node:test';

import { SinglePage } from '../harness/single_page.js';
import { ADMIN, scenario } from '../harness/stage.js';

scenario('single-page', { scripted: true }, (scene, stage) => {
  let single;
  after(() => single?.stop());
  const run = (visitor, script) => visitor.page.evaluate(`told(${script})`);
  /** From the page through our login page and back, with the code redeemed by the page itself. */
  const signIn = async (visitor) => {
    await visitor.open(single.url);
    await visitor.page.evaluate('void manager.signinRedirect({ nonce: crypto.randomUUID() })');
    await visitor.page.waitForURL((url) => url.origin === stage.house.url);
    await stage.fillIn(visitor, ADMIN);
    await visitor.page.waitForURL((url) => url.origin === single.url);
    return run(visitor, 'manager.signinRedirectCallback()');
  };

  scene('the page discovers, signs in with PKCE, and reads tokens and userinfo from its own origin', async () => {
    const id = `stock-page-${randomBytes(4).toString('hex')}`;
    single = await SinglePage.start(stage.house.url, id);
    await stage.house.addClient([
      '--application', 'back-office', '--name', 'Stock Page', '--id', id, '--public', '--redirect-uri', single.callback,
      '--post-logout-uri', single.signedOut, '--cors-origin', single.url,
      '--grant', 'authorization_code', '--grant', 'refresh_token',
    ]);
    const user = await signIn(await stage.visitor());
    assert.equal(user.profile?.name, 'Ada Admin', JSON.stringify(user));
    assert.equal(user.profile.email, ADMIN.email);
    assert.ok(user.access_token && user.refresh_token && user.id_token);
  });

  scene('userinfo answers pages of a registered origin, and no page of another', async () => {
    const visitor = await stage.visitor();
    const user = await signIn(visitor);
    const ask = `fetch('${stage.house.url}/oauth/userinfo', { headers: { authorization: 'Bearer ${user.access_token}' } })
      .then((answer) => answer.json())`;
    assert.equal((await run(visitor, ask)).email, ADMIN.email);
    const stranger = await SinglePage.start(stage.house.url, 'nobody');
    try {
      await visitor.open(stranger.url);
      assert.match((await run(visitor, ask)).error, /Failed to fetch/);
    } finally {
      await stranger.stop();
    }
  });

  scene('the page refreshes, and its refresh token rotates', async () => {
    const visitor = await stage.visitor();
    const user = await signIn(visitor);
    const fresh = await run(visitor, 'manager.signinSilent()');
    assert.equal(fresh.profile?.sub, user.profile.sub, JSON.stringify(fresh));
    assert.notEqual(fresh.refresh_token, user.refresh_token);
    await run(visitor, 'manager.revokeTokens([\'refresh_token\'])');
    const form = `new URLSearchParams({ grant_type: 'refresh_token', client_id: manager.settings.client_id,
      refresh_token: '${fresh.refresh_token}' })`;
    const late = `fetch('${stage.house.url}/oauth/token', { method: 'POST', body: ${form} }).then((answer) => answer.json())`;
    assert.equal((await run(visitor, late)).error, 'invalid_grant');
  });

  scene('the page signs out, here and at the house', async () => {
    const visitor = await stage.visitor();
    await signIn(visitor);
    await visitor.page.evaluate('void manager.signoutRedirect()');
    await visitor.page.waitForURL((url) => url.href.startsWith(single.signedOut));
    await visitor.open(`${stage.house.url}/back-office`);
    assert.equal(visitor.url.pathname, '/back-office/login');
  });
});
