// Applications hear that a session is over, on whichever library they stand: Authlib and openid-client.
import assert from 'node:assert/strict';

import * as openid from 'openid-client';

import { Authlib } from '../harness/authlib.js';
import { until } from '../harness/process.js';
import { ADMIN, scenario } from '../harness/stage.js';

scenario('told', { application: true }, (scene, stage) => {
  const application = () => stage.application;
  const home = async (visitor) => {
    await visitor.open(`${stage.authlib.url}/`);
    return visitor.page.locator('h1').innerText();
  };
  const enter = async (visitor) => {
    await visitor.open(`${stage.authlib.url}/begin`);
    await stage.fillIn(visitor, ADMIN);
    await visitor.sees('Welcome, Ada Admin');
  };
  const isToldOver = (visitor) => until('the application has heard', async () => (await home(visitor)) === 'Nobody is signed in');

  scene('Authlib signs somebody in with PKCE, refreshes, and signs out', async () => {
    stage.authlib = await Authlib.start(stage.house, 'authlib');
    stage.others.push(stage.authlib);
    const visitor = await stage.visitor();
    await enter(visitor);
    for (let round = 0; round < 2; round += 1) {
      await visitor.open(`${stage.authlib.url}/refresh`);
      await visitor.sees(`Refreshed for ${ADMIN.email}`);
    }
    await visitor.open(`${stage.authlib.url}/logout`);
    await visitor.sees('Signed out, authlib');
    await isToldOver(visitor);
  });

  scene('signing out with us ends what Authlib has, and nobody else there is signed out', async () => {
    const [leaver, stayer] = [await stage.visitor(), await stage.visitor()];
    await enter(leaver);
    await enter(stayer);
    await leaver.open(`${stage.house.url}/back-office`);
    await leaver.press('Sign out');
    await isToldOver(leaver);
    assert.equal(await home(stayer), 'Welcome, Ada Admin');
  });

  scene('signing out at one application ends what the other has, and both have heard', async () => {
    await application().register(stage.house, 'order-desk', application().hears);
    const visitor = await stage.visitor();
    await enter(visitor);
    await application().open(visitor);
    const { tokens, claims } = await application().takeTokens();
    await visitor.open(openid.buildEndSessionUrl(application().config, { id_token_hint: tokens.id_token }).href);
    const told = await application().takeTold();
    assert.equal(told.sid, claims.sid);
    assert.equal(told.sub, claims.sub);
    await isToldOver(visitor);
    const results = () => stage.house.cli('audit', 'list', '--json').then(({ entries }) =>
      entries.filter(({ action, detail }) => action === 'client.logout' && detail.session === claims.sid));
    await until('both results', async () => (await results()).length === 2);
    const done = (await results()).map(({ outcome, detail }) => `${detail.client} ${outcome}`);
    assert.deepEqual(done.sort(), ['authlib done', 'order-desk done']);
  });
});
