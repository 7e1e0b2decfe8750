// Every page that no other scenario comes by: other doors, addresses that lead nowhere, dead links, the first set-up.
import assert from 'node:assert/strict';

import { ADMIN, scenario } from '../harness/stage.js';

const OWNER = { email: 'olga.owner@company.test', password: 'thunder basket olive 36' };

scenario('pages', {}, (scene, stage) => {
  const reach = async (path, name, status) => {
    const visitor = await stage.visitor();
    assert.equal(await visitor.open(`${stage.house.url}${path}`), status, path);
    await stage.look(visitor, name);
    return visitor;
  };

  scene('the other doors have a login page of their own', async () => {
    for (const application of ['storefront', 'merchant-portal', 'dashboard']) {
      const visitor = await reach(`/${application}/login`, `login-${application}`, 200);
      await visitor.open(`${stage.house.url}/${application}`);
      assert.equal(visitor.url.pathname, `/${application}/login`);
    }
  });

  scene('an address that leads nowhere says so', async () => {
    for (const path of ['/nowhere', '/back-office/nowhere']) {
      await reach(path, `not-found${path.replaceAll('/', '-')}`, 404);
    }
  });

  scene('a made-up or missing token of a password link shows no form', async () => {
    for (const query of ['', '?token=made-up']) {
      const visitor = await stage.visitor();
      const status = await visitor.open(`${stage.house.url}/back-office/password/reset${query}`);
      assert.ok(status < 500, String(status));
      assert.equal(await visitor.page.locator('[name="password"]').count(), 0);
      await stage.look(visitor, 'reset-invalid');
    }
  });

  scene('signing out by a link asks first, and a form of another browser is refused', async () => {
    const visitor = await reach('/back-office/logout', 'logout', 200);
    await visitor.context.clearCookies();
    await visitor.press('Sign out');
    assert.equal(visitor.url.pathname, '/back-office/logout', 'it asks once more');
    assert.equal(await visitor.reason(), 'form_expired');
    await visitor.sees('Please send the form once more');
    await stage.look(visitor, 'logout-form-expired');
    await visitor.press('Sign out');
    assert.equal(visitor.url.pathname, '/back-office/login');
    await visitor.sees('You are signed out');
    await stage.look(visitor, 'login-signed-out');

    const other = await stage.visitor();
    await other.open(`${stage.house.url}/back-office/login`);
    await other.context.clearCookies();
    await other.fill({ email: ADMIN.email, password: ADMIN.password });
    await other.submit('password');
    assert.equal(await other.reason(), 'form_expired');
    await stage.look(other, 'login-form-expired');
  });

  scene('the landing page of the address leads somewhere or says that it does not', async () => {
    const visitor = await stage.visitor();
    assert.ok((await visitor.open(`${stage.house.url}/`)) < 500);
    await stage.look(visitor, 'root');
  });
});

scenario('setup', { empty: true }, (scene, stage) => {
  scene('the setup link makes the first administrator, once', async () => {
    const link = (await stage.house.cli('setup-link')).match(/http\S+/)[0];
    const visitor = await stage.visitor();
    await visitor.open(link);
    await stage.look(visitor, 'setup');
    const names = { given_name: 'Olga', family_name: 'Owner' };
    await visitor.fill({ email: OWNER.email, ...names, password: 'passwordpassword', repeat: 'passwordpassword' });
    await visitor.submit('repeat');
    await stage.look(visitor, 'setup-weak');
    await visitor.fill({ password: OWNER.password, repeat: OWNER.password });
    await visitor.submit('repeat');
    await visitor.sees('You are the first administrator');
    await stage.look(visitor, 'login-set-up');
    await stage.signIn(await stage.visitor(), OWNER);
    await stage.visitors.at(-1).isSignedIn('Olga Owner');

    const late = await stage.visitor();
    await late.open(link);
    assert.equal(await late.page.locator('[name="password"]').count(), 0);
    await stage.look(late, 'setup-used');
  });
});
