// A door that takes no passwords, and the sealed code that opens it once when nothing else does.
import assert from 'node:assert/strict';

import { until } from '../harness/process.js';
import { ADMIN, scenario } from '../harness/stage.js';

const BOB = { email: 'bob.backup@company.test', givenName: 'Bob', familyName: 'Backup', group: 'administrators', password: 'copper meadow violin 58' };

scenario('break_glass', {}, (scene, stage) => {
  const page = () => `${stage.house.url}/back-office/break-glass`;
  const fill = async (visitor, { email, password }, code) => {
    await visitor.fill({ email, password, code });
    await visitor.submit('code');
  };
  let code;

  scene('without a seal there is no such page, whether passwords are taken or not', async () => {
    await stage.house.addStaff(BOB);
    const visitor = await stage.visitor();
    assert.equal(await visitor.open(page()), 404);
    await stage.house.cli('applications', 'change', 'back-office', '--password', 'off', '--force');
    await until('the form goes', async () => {
      const login = await fetch(`${stage.house.url}/back-office/login`);
      return !(await login.text()).includes('name="password"');
    });
    assert.equal(await visitor.open(page()), 404);
    assert.equal(await visitor.reason(), 'not_found');
  });

  scene('the sealed code and the password lead in, and every administrator is told', async () => {
    const sealed = await stage.house.cli(
      'break-glass', 'seal', '--application', 'back-office', '--user', ADMIN.email, '--json',
    );
    code = sealed.code;
    const visitor = await stage.visitor();
    assert.equal(await visitor.open(page()), 200);
    await stage.look(visitor, 'break-glass');
    await fill(visitor, ADMIN, 'NOT-THE-CODE');
    await visitor.isRefused('not_accepted');
    await stage.look(visitor, 'break-glass-wrong');
    const entry = await stage.house.cli('audit', 'show', visitor.supportCode);
    assert.match(entry, /wrong_code/);
    await fill(visitor, ADMIN, code.toLowerCase().replaceAll('-', ' '));
    await visitor.isSignedIn('Ada');
    await visitor.sees('By breaking the glass');
    await stage.look(visitor, 'home-glass-broken');
    for (const { email } of [ADMIN, BOB]) {
      const mail = await stage.mail.take(email);
      assert.match(mail.subject, /The glass of Back Office was broken/);
      assert.match(mail.text, new RegExp(`${ADMIN.email} came in`));
      assert.match(mail.text, /vestibule break-glass seal --application back-office/);
    }
    await visitor.open(`${stage.house.url}/back-office/account`);
    await visitor.sees('by breaking the glass');
  });

  scene('the code works once, and the page is gone with it', async () => {
    const visitor = await stage.visitor();
    assert.equal(await visitor.open(page()), 404);
    await stage.house.cli('break-glass', 'seal', '--application', 'back-office', '--user', BOB.email);
    assert.equal(await visitor.open(page()), 200);
    await fill(visitor, ADMIN, code);
    await visitor.isRefused('not_accepted');
    const entry = await stage.house.cli('audit', 'show', visitor.supportCode);
    assert.match(entry, /opened/);
  });

  scene('who guesses waits as at the login', async () => {
    const visitor = await stage.visitor();
    await visitor.open(page());
    for (let guess = 1; guess <= 10; guess += 1) {
      await fill(visitor, BOB, `GUESS-${guess}`);
      if ((await visitor.reason()) === 'throttled') break;
    }
    assert.equal(await visitor.reason(), 'throttled', await visitor.text());
    await visitor.sees(/Please wait \d+ minutes?/);
    await stage.look(visitor, 'break-glass-throttled');
  });
});
