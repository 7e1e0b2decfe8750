// What an application may have us ask besides: nothing at all, once more, whether they agree, and who they want to be.
import assert from 'node:assert/strict';

import * as openid from 'openid-client';

import { ADMIN, scenario } from '../harness/stage.js';

const BEA = { email: 'bea.buyer@company.test', givenName: 'Bea', familyName: 'Buyer', password: 'copper window lemon 58' };

scenario('prompts', { application: true }, (scene, stage) => {
  const application = () => stage.application;
  const back = async (visitor) => {
    assert.equal(visitor.url.origin, application().url, await visitor.text());
    return application().take();
  };

  scene('prompt=none is silent with a live session, and says so without one', async () => {
    await application().register(stage.house, 'order-desk', ['--auth', 'client_secret_post'],
      openid.ClientSecretPost);
    await stage.house.addStaff(BEA);
    const visitor = await stage.visitor();
    await application().open(visitor, { prompt: 'none' });
    assert.equal((await back(visitor)).error, 'login_required');
    const first = await application().signIn(visitor, ADMIN);
    await application().open(visitor, { prompt: 'none', id_token_hint: first.tokens.id_token });
    const { claims } = await back(visitor);
    assert.equal(claims.sub, first.claims.sub);
    assert.equal(claims.sid, first.claims.sid);
    assert.equal(claims.auth_time, first.claims.auth_time);
  });

  scene('a second application of the same door enters silently', async () => {
    const { config } = application();
    const client = await stage.house.addClient(['--application', 'back-office', '--name', 'Stock Room', '--id',
      'stock-room', '--redirect-uri', application().callback]);
    const other = await application().connect(stage.house, 'stock-room', openid.ClientSecretBasic(client.client_secret));
    const visitor = await stage.visitor();
    await application().signIn(visitor, ADMIN, {}, { config });
    await application().open(visitor, {}, { config: other });
    assert.equal((await back(visitor)).claims.name, 'Ada Admin');
    application().config = config;
  });

  scene('prompt=login and max_age=0 ask again although somebody is signed in', async () => {
    const visitor = await stage.visitor();
    const first = await application().signIn(visitor, ADMIN);
    for (const parameters of [{ prompt: 'login' }, { max_age: 0 }]) {
      // auth_time counts in seconds.
      await visitor.page.waitForTimeout(1100);
      await application().open(visitor, parameters);
      assert.equal(visitor.url.pathname, '/back-office/login', JSON.stringify(parameters));
      await stage.fillIn(visitor, ADMIN);
      const { claims } = await back(visitor);
      assert.equal(claims.sub, first.claims.sub);
      assert.ok(claims.auth_time > first.claims.auth_time, JSON.stringify(parameters));
    }
  });

  scene('an ID token hint about somebody else asks for another sign-in, and takes no other', async () => {
    const bea = await application().signIn(await stage.visitor(), BEA);
    const visitor = await stage.visitor();
    await application().signIn(visitor, ADMIN);
    await application().open(visitor, { id_token_hint: bea.tokens.id_token });
    assert.equal(visitor.url.pathname, '/back-office/login');
    await stage.fillIn(visitor, ADMIN);
    assert.equal((await back(visitor)).error, 'login_required');
    await application().open(visitor, { id_token_hint: bea.tokens.id_token });
    await stage.fillIn(visitor, BEA);
    assert.equal((await back(visitor)).claims.sub, bea.claims.sub);
  });

  scene('prompt=consent asks, and takes no for an answer', async () => {
    const visitor = await stage.visitor();
    await application().open(visitor, { prompt: 'consent' });
    await stage.fillIn(visitor, ADMIN);
    await visitor.sees('Order Desk asks for');
    await stage.look(visitor, 'consent');
    await visitor.press('Agree');
    assert.equal((await back(visitor)).claims.name, 'Ada Admin');

    await application().open(visitor, { prompt: 'consent' });
    await visitor.press('Do not agree');
    assert.equal((await back(visitor)).error, 'access_denied');
  });

  scene('prompt=select_account lets people stay, or become somebody else', async () => {
    const visitor = await stage.visitor();
    await application().signIn(visitor, ADMIN);
    await application().open(visitor, { prompt: 'select_account' });
    await visitor.sees('Who would you like to be?');
    await stage.look(visitor, 'choose-account');
    await visitor.press('Go on as Ada Admin');
    assert.equal((await back(visitor)).claims.name, 'Ada Admin');

    await application().open(visitor, { prompt: 'select_account' });
    await visitor.press('Sign in as somebody else');
    assert.equal(visitor.url.pathname, '/back-office/login');
    await stage.fillIn(visitor, BEA);
    assert.equal((await back(visitor)).claims.name, 'Bea Buyer');
  });
});
