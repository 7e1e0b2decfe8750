// The demo, walked through as its terminal says: shop, Vestibule, Acme, and back.
import assert from 'node:assert/strict';

import { EMPLOYEE } from '../harness/demo.js';
import { until } from '../harness/process.js';
import { scenario } from '../harness/stage.js';

scenario('demo', { demo: true }, (scene, stage) => {
  const arrive = async (visitor, origin, path) => {
    assert.deepEqual([visitor.url.origin, visitor.url.pathname], [origin, path], await visitor.text());
  };

  /** From the shop to Acme's own sign-in page. */
  const goToAcme = async (visitor) => {
    const { shop, vestibule, acme } = stage.demo;
    await visitor.open(shop);
    await visitor.press('Sign in');
    await arrive(visitor, vestibule, '/storefront/login');
    await visitor.press('Login with Acme');
    await arrive(visitor, acme, '/back-office/login');
  };

  const signInAtAcme = async (visitor, password = EMPLOYEE.password) => {
    await visitor.fill({ email: EMPLOYEE.email, password });
    await visitor.submit('password');
  };

  scene('the terminal shows three addresses and a walk of five lines', async () => {
    const { said, shop } = stage.demo;
    const steps = said.split('\n').filter((line) => /^ +[0-9]\. /.test(line));
    assert.equal(steps.length, 5, said);
    for (const words of [shop, 'Login with Acme', EMPLOYEE.email, EMPLOYEE.password, 'Log out']) {
      assert.ok(steps.join('\n').includes(words), words);
    }
  });

  scene('an employee of Acme comes to the shop, sees what it was told, and logs out', async () => {
    const { shop, vestibule } = stage.demo;
    const visitor = await stage.visitor();
    await visitor.open(shop);
    await stage.look(visitor, 'demo-shop');
    await goToAcme(visitor);
    await stage.look(visitor, 'demo-acme');
    await signInAtAcme(visitor);
    await visitor.page.waitForURL(`${shop}/`);
    await visitor.sees(`Hello, ${EMPLOYEE.name}`);
    const claims = await visitor.page.locator('tbody tr').evaluateAll((rows) =>
      Object.fromEntries(rows.map((row) => [...row.children].map((cell) => cell.textContent))));
    assert.deepEqual([claims.iss, claims.aud, claims.email, claims.user_type],
      [vestibule, 'demo-shop', EMPLOYEE.email, 'customer']);
    await stage.look(visitor, 'demo-shop-signed-in');

    await visitor.press('Log out');
    await visitor.page.waitForURL(`${shop}/signed-out`);
    await visitor.sees('You are logged out');
    await stage.look(visitor, 'demo-shop-signed-out');
    await visitor.open(shop);
    await visitor.sees('Sign in to order');
    await visitor.open(`${vestibule}/storefront`);
    await arrive(visitor, vestibule, '/storefront/login');
  });

  scene('to Acme they are still signed in, so the next time it asks who they are now', async () => {
    const { shop } = stage.demo;
    const visitor = stage.visitors.at(-1);
    await visitor.open(shop);
    await visitor.press('Sign in');
    await visitor.press('Login with Acme');
    await signInAtAcme(visitor);
    await visitor.page.waitForURL(`${shop}/`);
    await visitor.sees(`Hello, ${EMPLOYEE.name}`);
  });

  scene('who signs out at Vestibule is logged out of the shop as well', async () => {
    const { shop, vestibule } = stage.demo;
    const visitor = stage.visitors.at(-1);
    const body = new URLSearchParams({ logout_token: 'nobody.signed.this' });
    assert.equal((await fetch(`${shop}/backchannel-logout`, { method: 'POST', body })).status, 400);
    await visitor.open(shop);
    await visitor.sees(`Hello, ${EMPLOYEE.name}`);
    await visitor.open(`${vestibule}/storefront`);
    await visitor.press('Sign out');
    await until('the shop has heard of it', async () => {
      await visitor.open(shop);
      return (await visitor.text()).includes('Sign in to order');
    });
  });

  scene('a wrong password at Acme is told there, and the right one still leads to the shop', async () => {
    const visitor = await stage.visitor();
    await goToAcme(visitor);
    await signInAtAcme(visitor, 'not the password of anybody');
    await arrive(visitor, stage.demo.acme, '/back-office/login');
    await visitor.sees('do not fit');
    await signInAtAcme(visitor);
    await visitor.page.waitForURL(`${stage.demo.shop}/`);
  });

  scene('who cancels at Acme is told so by Vestibule, and who cancels there is back in the shop', async () => {
    const { shop, vestibule, acme } = stage.demo;
    const visitor = await stage.visitor();
    await goToAcme(visitor);
    await visitor.press('Cancel');
    await visitor.isRefused('provider_denied');
    assert.equal(visitor.url.origin, vestibule);
    await visitor.press('Start again');
    await arrive(visitor, acme, '/back-office/login');
    await visitor.open(shop);
    await visitor.press('Sign in');
    await visitor.press('Cancel');
    await arrive(visitor, shop, '/callback');
    await visitor.sees('The sign-in was cancelled');
    await stage.look(visitor, 'demo-shop-cancelled');
    await visitor.press('Try again');
    await arrive(visitor, vestibule, '/storefront/login');
  });

  scene('an answer that this browser did not ask for signs nobody in, and neither does one that comes twice', async () => {
    const { shop } = stage.demo;
    const visitor = await stage.visitor();
    await goToAcme(visitor);
    let answer;
    visitor.page.on('request', (request) => {
      if (request.url().startsWith(`${shop}/callback`)) answer = request.url();
    });
    await signInAtAcme(visitor);
    await visitor.page.waitForURL(`${shop}/`);
    for (const browser of [await stage.visitor(), visitor]) {
      assert.equal(await browser.open(answer), 400);
      await browser.sees('has not asked to sign in');
    }
  });

  scene('the employee may enter the back office by the same button', async () => {
    const visitor = await stage.visitor();
    await visitor.open(`${stage.demo.vestibule}/back-office/login`);
    await visitor.press('Login with Acme');
    await signInAtAcme(visitor);
    await visitor.page.waitForURL(`${stage.demo.vestibule}/back-office`);
    await visitor.isSignedIn(EMPLOYEE.name);
  });
});
