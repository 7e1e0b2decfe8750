// An application signs its people out: with an ID token at once, without one after a question, and never elsewhere.
import assert from 'node:assert/strict';

import * as openid from 'openid-client';

import { refused } from '../harness/application.js';
import { until } from '../harness/process.js';
import { ADMIN, scenario } from '../harness/stage.js';

scenario('departures', { application: true }, (scene, stage) => {
  const application = () => stage.application;
  const leave = (visitor, parameters) => visitor.open(openid.buildEndSessionUrl(application().config, parameters).href);
  const isGone = async (visitor) => {
    await application().open(visitor, { prompt: 'none' });
    assert.equal((await application().take()).error, 'login_required');
  };

  scene('an ID token of the session signs out without a question and leads back with state', async () => {
    await application().register(stage.house, 'order-desk', []);
    const visitor = await stage.visitor();
    const { tokens, claims } = await application().signIn(visitor, ADMIN);
    await leave(visitor, {
      id_token_hint: tokens.id_token, post_logout_redirect_uri: application().signedOut, state: 'basket-7',
    });
    assert.equal(visitor.url.href, `${application().signedOut}?state=basket-7`);
    await isGone(visitor);
    const { config } = application();
    assert.equal((await refused(openid.refreshTokenGrant(config, tokens.refresh_token))).code, 'invalid_grant');
    assert.equal((await refused(openid.fetchUserInfo(config, tokens.access_token, claims.sub))).code, 'invalid_token');
    assert.deepEqual(await openid.tokenIntrospection(config, tokens.access_token), { active: false });
  });

  scene('without an ID token a person is asked first', async () => {
    const visitor = await stage.visitor();
    await application().signIn(visitor, ADMIN);
    await leave(visitor, { post_logout_redirect_uri: application().signedOut });
    assert.equal(visitor.url.pathname, '/oauth/logout');
    await visitor.sees('Order Desk');
    await stage.look(visitor, 'oauth-logout');
    // Nothing has happened until the button is pressed.
    await application().open(await visitor.tab(), { prompt: 'none' });
    await application().takeTokens();
    await visitor.press('Sign out');
    assert.equal(visitor.url.href, application().signedOut);
    await isGone(visitor);
  });

  scene("somebody else's ID token signs nobody out without a question", async () => {
    const other = await application().signIn(await stage.visitor(), ADMIN);
    const visitor = await stage.visitor();
    await application().signIn(visitor, ADMIN);
    await leave(visitor, { id_token_hint: other.tokens.id_token, post_logout_redirect_uri: application().signedOut });
    assert.equal(visitor.url.pathname, '/oauth/logout');
    await application().open(await visitor.tab(), { prompt: 'none' });
    await application().takeTokens();
  });

  scene('an address that is not registered is never gone to', async () => {
    const visitor = await stage.visitor();
    const { tokens } = await application().signIn(visitor, ADMIN);
    await leave(visitor, { id_token_hint: tokens.id_token, post_logout_redirect_uri: `${application().signedOut}/more` });
    assert.equal(visitor.url.origin, stage.house.url);
    await visitor.sees('You are signed out');
    await stage.look(visitor, 'oauth-signed-out');
    await isGone(visitor);
  });

  scene('signing out on our own page ends what the application holds', async () => {
    const visitor = await stage.visitor();
    const { tokens } = await application().signIn(visitor, ADMIN);
    await visitor.open(`${stage.house.url}/back-office`);
    await visitor.press('Sign out');
    const again = openid.refreshTokenGrant(application().config, tokens.refresh_token);
    assert.equal((await refused(again)).code, 'invalid_grant');
  });

  scene('a grant with offline_access outlives the logout of the browser, and ends with the user', async () => {
    await stage.house.cli('clients', 'change', 'order-desk', '--scope', 'openid', '--scope', 'profile', '--scope',
      'email', '--scope', 'offline_access');
    await until('the house knows the scope', async () => {
      const way = await application().begin({ scope: 'openid offline_access', prompt: 'none' });
      const answer = await fetch(way, { redirect: 'manual' });
      return answer.headers.get('location').includes('login_required');
    });
    const late = { email: 'bea.buyer@company.test', givenName: 'Bea', familyName: 'Buyer', password: 'copper window lemon 58' };
    await stage.house.addStaff(late);
    const visitor = await stage.visitor();
    const { tokens } = await application().signIn(visitor, late, { scope: 'openid offline_access' });
    await leave(visitor, { id_token_hint: tokens.id_token });
    const { config } = application();
    const later = await openid.refreshTokenGrant(config, tokens.refresh_token);
    await openid.fetchUserInfo(config, later.access_token, later.claims().sub);
    await stage.house.cli('users', 'deactivate', late.email);
    assert.equal((await refused(openid.refreshTokenGrant(config, later.refresh_token))).code, 'invalid_grant');
  });
});
