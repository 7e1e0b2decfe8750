// A house at an https address, with TLS ended by nginx: what browsers keep, and what the doctor sees from outside.
import assert from 'node:assert/strict';

import { ADMIN, scenario } from '../harness/stage.js';

scenario('front', { front: true }, (scene, stage) => {
  scene('every cookie is for this host alone and for https alone', async () => {
    const visitor = await stage.visitor();
    await visitor.open(`${stage.front.url}/back-office/login`);
    await visitor.fill({ email: ADMIN.email, password: ADMIN.password });
    await visitor.submit('password');
    await visitor.isSignedIn('Ada Admin');
    const cookies = await visitor.context.cookies();
    assert.ok(cookies.some(({ name }) => name === '__Host-vestibule_staff'), JSON.stringify(cookies));
    for (const { name, secure, httpOnly, path, sameSite } of cookies) {
      assert.match(name, /^__Host-vestibule_/);
      assert.deepEqual({ secure, httpOnly, path, sameSite }, { secure: true, httpOnly: true, path: '/', sameSite: 'Lax' });
    }
    await visitor.press('Sign out');
    await visitor.open(`${stage.front.url}/back-office`);
    assert.equal(visitor.url.pathname, '/back-office/login');
  });

  scene('browsers are told never to come without TLS again', async () => {
    const { headers } = await stage.front.ask('/back-office/login');
    assert.match(headers['strict-transport-security'], /^max-age=\d{7,}/);
  });

  scene('the doctor finds a proxy that says who the visitor is', async () => {
    const { ok, standing } = await examine(stage);
    assert.ok(ok);
    assert.equal(standing('public_url'), 'good');
    assert.equal(standing('certificate'), 'good');
    assert.equal(standing('proxy_headers'), 'good');
  });

  scene('the doctor finds a proxy that lets forged headers through', async () => {
    await stage.front.open(stage.house, { forwardedFor: '$http_x_forwarded_for' });
    const { ok, standing, said } = await examine(stage);
    assert.ok(!ok);
    assert.equal(standing('proxy_headers'), 'wrong');
    assert.match(said('proxy_headers'), /as visitors write it/);
  });

  scene('the doctor finds a certificate that is about to end', async () => {
    await stage.front.open(stage.house, { days: 5 });
    const { ok, standing } = await examine(stage);
    assert.ok(ok, 'it holds today');
    assert.equal(standing('certificate'), 'remark');
  });

  scene('the doctor finds that nobody is at the public URL', async () => {
    await stage.front.program.stop();
    const { ok, standing } = await examine(stage);
    assert.ok(!ok);
    assert.equal(standing('public_url'), 'wrong');
  });
});

/** What `vestibule doctor` says; its exit code agrees with it. */
async function examine(stage) {
  const { code, stdout } = await stage.house.cliEnds('doctor', '--json');
  const { ok, findings } = JSON.parse(stdout);
  assert.equal(code, ok ? 0 : 1);
  const find = (check) => findings.find((one) => one.check === check);
  return { ok, standing: (check) => find(check)?.standing, said: (check) => find(check)?.said };
}
