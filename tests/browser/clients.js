// Applications sign their people in here: the certified npm `openid-client` walks every way to a token and back.
import assert from 'node:assert/strict';

import { exportJWK, generateKeyPair } from 'jose';
import * as openid from 'openid-client';

import { refused } from '../harness/application.js';
import { ADMIN, scenario } from '../harness/stage.js';

const BEA = { email: 'bea.buyer@company.test', givenName: 'Bea', familyName: 'Buyer', password: 'copper window lemon 58' };

scenario('clients', { application: true }, (scene, stage) => {
  const application = () => stage.application;

  scene('an application discovers the house and signs somebody in with PKCE, state and nonce', async () => {
    const config = await application().register(stage.house, 'order-desk', ['--scope', 'openid', '--scope', 'profile',
      '--scope', 'email', '--scope', 'groups', '--scope', 'offline_access']);
    assert.equal(config.serverMetadata().issuer, stage.house.url);
    assert.ok(config.serverMetadata().supportsPKCE());
    await stage.house.addStaff(BEA);

    const visitor = await stage.visitor();
    await application().open(visitor, { login_hint: ADMIN.email, scope: 'openid profile email groups' });
    assert.equal(visitor.url.pathname, '/back-office/login');
    assert.equal(await visitor.page.inputValue('[name="email"]'), ADMIN.email);
    await visitor.fill({ password: ADMIN.password });
    await visitor.submit('password');
    await visitor.sees('Welcome, Ada Admin');
    assert.equal(visitor.url.origin, application().url);
    assert.equal(visitor.url.searchParams.get('iss'), stage.house.url);

    const { tokens, claims } = await application().takeTokens();
    const { name, email, groups, amr } = claims;
    assert.deepEqual({ name, email, groups, amr }, {
      name: 'Ada Admin', email: ADMIN.email, groups: ['administrators'], amr: ['pwd'],
    });
    assert.ok(claims.sid && claims.acr && claims.auth_time && claims.sub !== ADMIN.email);
    const said = await openid.fetchUserInfo(config, tokens.access_token, claims.sub);
    assert.equal(said.email, ADMIN.email);
    assert.deepEqual(said.groups, ['administrators']);
  });

  scene('sub is the same at every sign-in, and another for everybody', async () => {
    const subs = [];
    for (const person of [ADMIN, ADMIN, BEA]) {
      const { claims } = await application().signIn(await stage.visitor(), person);
      subs.push(claims.sub);
    }
    assert.equal(subs[0], subs[1]);
    assert.notEqual(subs[0], subs[2]);
  });

  scene('a mistyped password keeps the way back to the application', async () => {
    const visitor = await stage.visitor();
    await application().open(visitor);
    await stage.fillIn(visitor, { ...ADMIN, password: 'mistyped the first time' });
    await visitor.sees('do not fit');
    await stage.fillIn(visitor, ADMIN);
    await application().takeTokens();
  });

  scene('a code works once, and its replay takes back what it gave', async () => {
    const { config } = application();
    const { tokens, claims, code, verifier } = await application().signIn(await stage.visitor(), ADMIN);
    const replay = { code, code_verifier: verifier, redirect_uri: application().callback };
    assert.equal((await refused(openid.genericGrantRequest(config, 'authorization_code', replay))).code, 'invalid_grant');
    assert.equal((await refused(openid.refreshTokenGrant(config, tokens.refresh_token))).code, 'invalid_grant');
    const answer = refused(openid.fetchUserInfo(config, tokens.access_token, claims.sub));
    assert.equal((await answer).code, 'invalid_token');
  });

  scene('refresh tokens rotate; an older one, played again, ends the family', async () => {
    const { config } = application();
    const { tokens, claims } = await application().signIn(await stage.visitor(), ADMIN);
    const second = await openid.refreshTokenGrant(config, tokens.refresh_token);
    assert.notEqual(second.refresh_token, tokens.refresh_token);
    assert.equal(second.claims().sub, claims.sub);
    // A retry of whoever never got the answer, while nobody has used it.
    const again = await openid.refreshTokenGrant(config, tokens.refresh_token);
    assert.equal(again.refresh_token, second.refresh_token);
    const third = await openid.refreshTokenGrant(config, second.refresh_token);
    await openid.fetchUserInfo(config, third.access_token, claims.sub);

    assert.equal((await refused(openid.refreshTokenGrant(config, tokens.refresh_token))).code, 'invalid_grant');
    assert.equal((await refused(openid.refreshTokenGrant(config, third.refresh_token))).code, 'invalid_grant');
    assert.equal((await refused(openid.fetchUserInfo(config, third.access_token, claims.sub))).code, 'invalid_token');
  });

  scene('a refresh may narrow its scope, never widen it', async () => {
    const { config } = application();
    const { tokens } = await application().signIn(await stage.visitor(), ADMIN);
    const wide = openid.refreshTokenGrant(config, tokens.refresh_token, { scope: 'openid groups' });
    assert.equal((await refused(wide)).code, 'invalid_scope');
    const narrow = await openid.refreshTokenGrant(config, tokens.refresh_token, { scope: 'openid' });
    assert.equal(narrow.scope, 'openid');
    assert.equal(narrow.claims().email, undefined);
  });

  scene('introspection knows both tokens until one is revoked, and then neither', async () => {
    const { config } = application();
    const { tokens, claims } = await application().signIn(await stage.visitor(), ADMIN);
    const access = await openid.tokenIntrospection(config, tokens.access_token);
    assert.deepEqual([access.active, access.sub, access.client_id], [true, claims.sub, 'order-desk']);
    assert.equal((await openid.tokenIntrospection(config, tokens.refresh_token)).active, true);
    assert.deepEqual(await openid.tokenIntrospection(config, 'made-up'), { active: false });

    await openid.tokenRevocation(config, tokens.refresh_token);
    assert.deepEqual(await openid.tokenIntrospection(config, tokens.access_token), { active: false });
    assert.deepEqual(await openid.tokenIntrospection(config, tokens.refresh_token), { active: false });
    assert.equal((await refused(openid.refreshTokenGrant(config, tokens.refresh_token))).code, 'invalid_grant');
    await openid.tokenRevocation(config, tokens.refresh_token);
  });

  scene('a pushed request signs in, and its name works once', async () => {
    const visitor = await stage.visitor();
    const url = await application().begin({}, { pushed: true });
    assert.deepEqual([...new URL(url).searchParams.keys()].sort(), ['client_id', 'request_uri']);
    await visitor.open(url);
    await stage.fillIn(visitor, ADMIN);
    await application().takeTokens();
    assert.equal(await visitor.open(url), 400);
    await visitor.sees('This sign-in cannot begin');
  });

  scene('an answer may come as a form', async () => {
    const visitor = await stage.visitor();
    await application().open(visitor, { response_mode: 'form_post' });
    await stage.fillIn(visitor, ADMIN);
    if (!stage.javaScript) {
      await visitor.sees('takes you back to the application');
      await visitor.press('Continue');
    }
    const { method, claims } = await application().takeTokens();
    assert.equal(method, 'POST');
    assert.equal(claims.name, 'Ada Admin');
    await visitor.page.waitForURL(application().callback);
  });

  scene('the page that posts an answer says what to do, and an unregistered address is never gone to', async () => {
    const visitor = await stage.visitor();
    // An answer without a page: the browser stays where it is, and never calls it loaded.
    await visitor.page.route(application().callback, (route) => route.fulfill({ status: 204 }));
    await application().open(visitor, { response_mode: 'form_post' });
    await visitor.fill({ email: ADMIN.email, password: ADMIN.password });
    await visitor.page.click('button.primary');
    await visitor.page.waitForSelector(`form[action="${application().callback}"]`);
    await visitor.sees('takes you back to the application');
    await stage.look(visitor, 'form-post');

    const stranger = await stage.visitor();
    const elsewhere = await application().begin({ redirect_uri: `${application().url}/elsewhere` });
    assert.equal(await stranger.open(elsewhere), 400);
    await stranger.sees('This sign-in cannot begin');
    assert.equal(stranger.url.origin, stage.house.url);
    await stage.look(stranger, 'sign-in-cannot-begin');
  });

  scene('a client without a secret signs its own proof, by itself and for its people', async () => {
    const { publicKey, privateKey } = await generateKeyPair('ES256');
    const jwks = { keys: [{ ...(await exportJWK(publicKey)), kid: 'desk-1', alg: 'ES256', use: 'sig' }] };
    const file = stage.house.secretFile('desk.jwks', JSON.stringify(jwks));
    const config = await application().register(stage.house, 'signing-desk', ['--auth', 'private_key_jwt',
      '--jwks-file', file, '--grant', 'client_credentials', '--scope', 'openid', '--scope', 'profile', '--scope', 'email',
      '--scope', 'stock:read'], () => openid.PrivateKeyJwt({ key: privateKey, kid: 'desk-1' }));
    const { tokens, claims } = await application().signIn(await stage.visitor(), ADMIN, {}, { pushed: true });
    assert.equal(claims.aud, 'signing-desk');
    assert.ok((await openid.refreshTokenGrant(config, tokens.refresh_token)).access_token);
    const own = await openid.clientCredentialsGrant(config, { scope: 'stock:read' });
    assert.equal(own.refresh_token, undefined);
    const said = await openid.tokenIntrospection(config, own.access_token);
    assert.deepEqual([said.active, said.sub, said.scope], [true, 'signing-desk', 'stock:read']);
  });
});
