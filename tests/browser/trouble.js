// What a person sees when the house itself is in trouble, and the page between a posted answer and the sign-in.
import assert from 'node:assert/strict';

import { ADMIN, scenario } from '../harness/stage.js';

const OTHER = { name: 'Other', key: 'other-basic', method: 'basic' };

scenario('trouble', { certified: true }, (scene, stage) => {
  scene('a database that lets nobody write is said to be busy, and nothing is lost', async () => {
    const visitor = await stage.visitor();
    await visitor.open(login(stage));
    const letGo = await stage.house.rows.hold();
    try {
      await visitor.fill({ email: ADMIN.email, password: ADMIN.password });
      await visitor.submit('password');
      assert.equal(await visitor.page.getAttribute('main', 'data-reason'), 'busy', await visitor.text());
      await stage.look(visitor, 'busy');
    } finally {
      await letGo();
    }
    await stage.signIn(visitor, ADMIN);
    await visitor.isSignedIn('Ada Admin');
  });

  scene('our own fault says so, with the request id of the log and without its cause', async () => {
    await stage.house.rows.change('ALTER TABLE throttles RENAME TO elsewhere');
    const visitor = await stage.visitor();
    await stage.signIn(visitor, ADMIN);
    assert.equal(await visitor.page.getAttribute('main', 'data-reason'), 'broken', await visitor.text());
    const requestId = await visitor.page.innerText('main code');
    assert.ok(!/throttle|table|sql/i.test(await visitor.text()), await visitor.text());
    assert.ok(stage.house.program.lastWords().includes(requestId), 'the log knows the request');
    await stage.look(visitor, 'broken');
    await stage.house.rows.change('ALTER TABLE elsewhere RENAME TO throttles');
    await stage.signIn(visitor, ADMIN);
    await visitor.isSignedIn('Ada Admin');
  });

  scene('an answer that is posted by another site takes one more step', async () => {
    await stage.connectCertified({ ...OTHER, unknownUser: 'create' });
    stage.certified.people.set('bo', { email: 'bo@other.test', email_verified: true, given_name: 'Bo', family_name: 'Poster' });
    const visitor = await stage.visitor();
    await asksForFormPost(visitor, stage);
    await visitor.open(login(stage));
    await visitor.press('Login with Other');
    await visitor.fill({ login: 'bo' });
    await visitor.submit('login');
    if (!stage.javaScript) await visitor.page.click('[type="submit"]');
    await visitor.page.waitForURL((url) => url.origin === stage.house.url);
    await visitor.sees('One more step');
    await stage.look(visitor, 'one-more-step');
    await visitor.press('Continue');
    await visitor.isSignedIn('Bo Poster');
  });
});

/** Asks the provider to answer with a form, whatever the house asked for. */
async function asksForFormPost(visitor, stage) {
  await visitor.page.route(`${login(stage)}/${OTHER.key}`, async (route) => {
    const response = await route.fetch({ maxRedirects: 0 });
    const headers = { ...response.headers(), location: `${response.headers().location}&response_mode=form_post` };
    return route.fulfill({ response, headers });
  });
}

const login = (stage) => `${stage.house.url}/back-office/login`;
