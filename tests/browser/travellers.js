// The whole trip: from an application to us, on to the company's identity provider, and back to the application.
import assert from 'node:assert/strict';

import { scenario } from '../harness/stage.js';

const BO = { email: 'bo.basic@other.test', email_verified: true, given_name: 'Bo', family_name: 'Basic' };

scenario('travellers', { application: true, certified: true }, (scene, stage) => {
  const application = () => stage.application;
  const answerProvider = async (visitor) => {
    await visitor.sees('Sign in at the other company');
    await visitor.fill({ login: 'bo' });
    await visitor.submit('login');
  };

  scene('an application signs somebody in who is known at a provider alone', async () => {
    stage.certified.people.set('bo', BO);
    await stage.connectCertified({ name: 'Other', key: 'other-basic', method: 'basic', unknownUser: 'create' });
    await application().register(stage.house, 'order-desk', []);
    const visitor = await stage.visitor();
    await application().open(visitor);
    await stage.look(visitor, 'login-for-application');
    await visitor.press('Login with Other');
    await answerProvider(visitor);
    await visitor.sees('Welcome, Bo Basic');
    const { claims } = await application().takeTokens();
    assert.equal(claims.email, BO.email);
    assert.deepEqual(claims.amr, ['fed']);
  });

  scene('the provider that the application names is gone to without a page of ours', async () => {
    const visitor = await stage.visitor();
    await application().open(visitor, { provider: 'other-basic' });
    assert.equal(visitor.url.origin, stage.certified.issuer);
    await answerProvider(visitor);
    assert.equal((await application().takeTokens()).claims.name, 'Bo Basic');

    const other = await stage.visitor();
    await application().open(other, { provider: 'nobody-knows-it' });
    assert.equal(other.url.pathname, '/back-office/login');
  });

  scene('asked to sign in again, people are asked by the provider too', async () => {
    const visitor = await stage.visitor();
    await application().open(visitor, { provider: 'other-basic' });
    await answerProvider(visitor);
    await application().takeTokens();
    for (const parameters of [{ prompt: 'login' }, { max_age: 0 }]) {
      await application().open(visitor, { ...parameters, provider: 'other-basic' });
      await answerProvider(visitor);
      assert.equal((await application().takeTokens()).claims.name, 'Bo Basic');
    }
  });

  scene('somebody who says no at the provider may start again, and still comes back', async () => {
    const visitor = await stage.visitor();
    await application().open(visitor);
    await visitor.press('Login with Other');
    await visitor.fill({ login: 'nobody' });
    await visitor.submit('login');
    await visitor.isRefused('provider_denied');
    await visitor.press('Start again');
    await answerProvider(visitor);
    assert.equal((await application().takeTokens()).claims.name, 'Bo Basic');
  });
});
