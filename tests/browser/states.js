// Pages in the states that no other scenario passes by: closed doors, many doors, forms that cannot be read.
import assert from 'node:assert/strict';

import { until } from '../harness/process.js';
import { scenario } from '../harness/stage.js';

const HAL = { email: 'hal.helper@company.test', givenName: 'Hal', familyName: 'Helper', password: 'marble garden rocket 19' };
const LONG = 'Northern Europe Warehouse, Logistics & Partner Directory 1.0';

const throttle = { account_failures: 3, reset_address_per_hour: 1, trip_network_per_minute: 1 };

scenario('states', { certified: true, sections: { throttle } }, (scene, stage) => {
  const login = (rest = '') => `${stage.house.url}/back-office/login${rest}`;
  const forgot = () => `${stage.house.url}/back-office/password/forgot`;

  const shows = async (visitor, reason, name) => {
    assert.equal(await visitor.reason(), reason, await visitor.text());
    await stage.look(visitor, name);
  };

  scene('too many failures in a row ask for a new password, and not for patience', async () => {
    await stage.house.addStaff(HAL);
    const visitor = await stage.visitor();
    await visitor.open(login());
    for (let failure = 1; failure <= 4; failure += 1) {
      await visitor.fill({ email: HAL.email, password: `wrong number ${failure}` });
      await visitor.submit('password');
    }
    await visitor.sees('Choose "Forgot your password?"');
    await shows(visitor, 'needs_reset', 'login-needs-reset');
  });

  scene('who asks for one message after the other has to wait', async () => {
    const visitor = await stage.visitor();
    for (let time = 1; time <= 2; time += 1) {
      await visitor.open(forgot());
      await visitor.fill({ email: HAL.email });
      await visitor.submit('email');
    }
    await visitor.sees(/wait \d+ minutes? before you ask again/);
    await shows(visitor, 'throttled', 'forgot-throttled');
  });

  scene('forms that come too late say so where they stand', async () => {
    const visitor = await stage.visitor();
    await visitor.open(`${forgot()}?return_to=%2Fback-office%3Ftab%3Dorders`);
    await visitor.context.clearCookies();
    await visitor.fill({ email: HAL.email });
    await visitor.submit('email');
    await visitor.sees('Please send the form once more');
    await shows(visitor, 'form_expired', 'forgot-form-expired');
    await visitor.press('Back to the sign-in');
    assert.equal(visitor.url.searchParams.get('return_to'), '/back-office?tab=orders');

    await visitor.open(`${stage.house.url}/back-office/password/reset?notice=expired`);
    await shows(visitor, 'form_expired', 'reset-open-again');
    await visitor.open(`${stage.house.url}/back-office/setup?notice=expired`);
    await shows(visitor, 'form_expired', 'setup-open-again');
  });

  scene('a trip that cannot begin, and an answer that says not whose it is', async () => {
    const visitor = await stage.visitor();
    assert.equal(await visitor.open(login('/nobody')), 403);
    await shows(visitor, 'provider_not_connected', 'start-not-connected');
    assert.equal(await visitor.open(`${stage.house.url}/login/callback?code=x&state=made-up`), 400);
    await shows(visitor, 'attempt_unknown', 'callback-bare');
  });

  scene('what cannot be read, is too much, or is no request for a page gets a page', async () => {
    const faults = [
      ['405', 'method_not_allowed', () => ({ method: 'DELETE' })],
      ['413', 'too_large', (request) => ({
        method: 'POST', postData: 'x'.repeat(100_000),
        headers: { ...request.headers(), 'content-type': 'application/x-www-form-urlencoded' },
      })],
      ['400', 'bad_form', () => ({ method: 'POST', postData: '{}' })],
    ];
    for (const [status, reason, change] of faults) {
      const visitor = await stage.visitor();
      await visitor.open(login());
      await visitor.tamper('/back-office/login', change);
      assert.equal(await visitor.open(login()), Number(status), await visitor.text());
      await shows(visitor, reason, `fault-${status}`);
    }
  });

  scene('many providers with long names stay readable', async () => {
    const names = ['Company', LONG, 'Donaudampfschifffahrtsgesellschaftskapitaensverzeichnis', 'Каталог поставщиков'];
    for (const [place, name] of names.entries()) {
      await stage.connectCertified({ name, key: `many-${place}`, method: 'basic', unknownUser: 'refuse' });
    }
    const visitor = await stage.visitor();
    await visitor.open(login());
    for (const name of names) await visitor.sees(`Login with ${name}`);
    await stage.look(visitor, 'login-many-providers');

    const hasty = await stage.visitor();
    await hasty.context.request.get(login('/many-0'), { maxRedirects: 0 });
    assert.equal(await hasty.open(login('/many-0')), 429);
    await shows(hasty, 'too_many_requests', 'start-wait');
  });

  scene('a door that takes no passwords says where to go instead', async () => {
    const open = await stage.visitor();
    await open.open(login());
    await stage.house.cli('applications', 'change', 'back-office', '--password', 'off', '--force');
    await until('the form goes', async () => {
      const page = await fetch(login());
      return !(await page.text()).includes('name="password"');
    });
    await open.fill({ email: HAL.email, password: HAL.password });
    await open.submit('password');
    await open.sees('Please use one of the buttons below');
    await shows(open, 'local_login_closed', 'login-passwords-refused');

    const visitor = await stage.visitor();
    await visitor.open(login());
    assert.equal(await visitor.page.locator('[name="password"]').count(), 0);
    await stage.look(visitor, 'login-passwords-closed');
    await visitor.open(forgot());
    await shows(visitor, 'local_login_closed', 'forgot-passwords-closed');
  });

  scene('a door that nobody can pass says so', async () => {
    for (let place = 0; place < 4; place += 1) {
      await stage.house.cli('providers', 'disable', `many-${place}`);
    }
    await until('the buttons go', async () => {
      const page = await fetch(login());
      return !(await page.text()).includes('Login with');
    });
    const visitor = await stage.visitor();
    await visitor.open(login());
    await visitor.sees('Nobody can sign in here at the moment');
    await stage.look(visitor, 'login-nobody');
  });
});
