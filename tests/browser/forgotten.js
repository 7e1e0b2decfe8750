// A forgotten password: a neutral answer, a real mail, a link that only a person's button uses up.
import assert from 'node:assert/strict';

import { MailSink, linkIn } from '../harness/mail.js';
import { sleep } from '../harness/process.js';
import { ADMIN, scenario } from '../harness/stage.js';

const FRAN = { email: 'fran.forgetful@company.test', givenName: 'Fran', familyName: 'Forgetful', password: 'silver otter candle 12' };
const NEW_PASSWORD = 'velvet anchor saddle 77';

scenario('forgotten', { keycloak: true }, (scene, stage) => {
  const askFor = async (visitor, email) => {
    await visitor.open(`${stage.house.url}/back-office/login`);
    await visitor.press('Forgot your password?');
    await visitor.fill({ email });
    await visitor.submit('email');
  };

  const setPassword = async (visitor, password, repeat = password) => {
    await visitor.fill({ password, repeat });
    await visitor.submit('repeat');
  };

  scene('the answer is the same whether or not there is an account', async () => {
    await stage.house.addStaff(FRAN);
    const texts = [];
    for (const email of [FRAN.email, 'nobody.here@company.test']) {
      const visitor = await stage.visitor();
      await visitor.open(`${stage.house.url}/back-office/password/forgot`);
      await stage.look(visitor, 'forgot');
      await askFor(visitor, email);
      texts.push((await visitor.text()).replaceAll(email, 'ADDRESS'));
      await stage.look(visitor, 'forgot-sent');
    }
    assert.equal(texts[0], texts[1]);
    await stage.mail.take(FRAN.email);
    assert.deepEqual(stage.mail.mails, [], 'the unknown address gets no mail');
  });

  scene('the link survives being opened; the button sets the password once and ends other sessions', async () => {
    const elsewhere = await stage.visitor();
    await stage.signIn(elsewhere, FRAN);
    await elsewhere.isSignedIn('Fran');

    const visitor = await stage.visitor();
    await askFor(visitor, FRAN.email);
    const link = linkIn(await stage.mail.take(FRAN.email), `${stage.house.url}/back-office/password/reset?token=`);
    const scanner = await stage.visitor();
    await scanner.open(link);
    await visitor.open(link);
    await stage.look(visitor, 'reset');
    await setPassword(visitor, NEW_PASSWORD);
    assert.equal(visitor.url.pathname, '/back-office/login', await visitor.text());
    await visitor.sees('Your new password is set');
    await stage.look(visitor, 'login-password-set');

    await elsewhere.open(`${stage.house.url}/back-office`);
    assert.equal(elsewhere.url.pathname, '/back-office/login');
    await setPasswordIsRefused(await stage.visitor(), link);

    const again = await stage.visitor();
    await stage.signIn(again, FRAN);
    assert.equal(again.url.pathname, '/back-office/login', 'the old password is void');
    await stage.signIn(again, { ...FRAN, password: NEW_PASSWORD });
    await again.isSignedIn('Fran');
  });

  scene('a newer link voids the older one; short, weak and unequal passwords are told why', async () => {
    const visitor = await stage.visitor();
    await stage.house.addStaff({ ...FRAN, email: 'gus@company.test' });
    const links = [];
    for (let mail = 0; mail < 2; mail += 1) {
      await askFor(visitor, 'gus@company.test');
      links.push(linkIn(await stage.mail.take('gus@company.test'), `${stage.house.url}/back-office/password/reset?token=`));
    }
    await setPasswordIsRefused(visitor, links[0]);
    await visitor.open(links[1]);
    for (const [name, password, repeat] of [
      ['weak', 'passwordpassword', 'passwordpassword'],
      ['unequal', NEW_PASSWORD, `${NEW_PASSWORD}!`],
    ]) {
      await setPassword(visitor, password, repeat);
      assert.equal(visitor.url.pathname, '/back-office/password/reset');
      assert.ok(await visitor.page.innerText('[role="alert"]'));
      await stage.look(visitor, `reset-${name}`);
    }
    await setPassword(visitor, NEW_PASSWORD);
    await stage.signIn(visitor, { email: 'gus@company.test', password: NEW_PASSWORD });
    await visitor.isSignedIn('Fran');
  });

  scene('a user born by single sign-on is told by mail how to sign in instead', async () => {
    await stage.connectKeycloak({ unknownUser: 'create' });
    const visitor = await stage.visitor();
    await stage.signInByKeycloak(visitor, 'nora');
    await visitor.isSignedIn('Nora');
    await visitor.press('Sign out');

    await askFor(visitor, 'nora.newcomer@company.test');
    const mail = await stage.mail.take('nora.newcomer@company.test');
    assert.match(mail.text, /sign in with Company/i);
    assert.ok(!mail.text.includes('token='), mail.text);
  });

  scene('a mail server that is down delays the mail and loses nothing', async () => {
    const { port } = stage.mail;
    await stage.mail.stop();
    const visitor = await stage.visitor();
    await askFor(visitor, ADMIN.email);
    await sleep(500);
    await stage.house.program.stop();
    stage.mail = await MailSink.start(port);
    await stage.house.open();
    linkIn(await stage.mail.take(ADMIN.email), `${stage.house.url}/back-office/password/reset?token=`);
  });

  async function setPasswordIsRefused(visitor, link) {
    await visitor.open(link);
    assert.equal(await visitor.page.locator('[name="password"]').count(), 0, 'a used link shows no form');
    await stage.look(visitor, 'reset-used');
  }
});
