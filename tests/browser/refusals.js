// Every reason that a sign-in can be refused for, as a person meets it: its page, its words, the way on.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { join } from 'node:path';

import { testsDir, until } from '../harness/process.js';
import { scenario } from '../harness/stage.js';

const OTHER = { name: 'Other', key: 'other-basic', method: 'basic' };

const person = (name, more) => ({
  email: `${name}@other.test`, email_verified: true, given_name: name, family_name: 'Person', ...more,
});

/** Of a trip that was begun on an account page: account.js meets one of them. */
const LINKING = ['linking_not_offered', 'not_signed_in_as_before', 'identity_taken', 'linked_already'];

/** Of what was shown for an account that has changed meanwhile: proof.js meets it. */
const PROVING = ['proof_void'];

/** Told to the client of a token exchange, where nobody is who could see a page. */
const WITHOUT_PAGE = ['exchange_off', 'link_needs_sign_in', 'approval_needs_sign_in'];

/** By what Entra ID and Google alone say of people of other companies; the tests of guests have it. */
const OF_OTHER_TENANTS = ['guest_refused'];

/** The codes that the decision table lists and a person can meet. */
export function everyReason() {
  const table = readFileSync(join(testsDir, '../docs/decision-table.md'), 'utf8').split('## Reason codes')[1];
  const codes = [...table.matchAll(/^\| ([a-z_]+)/gm)].map(([, code]) => code).filter((code) => code !== 'code');
  return codes.filter((code) => ![...WITHOUT_PAGE, ...LINKING, ...PROVING, ...OF_OTHER_TENANTS].includes(code));
}

scenario('refusals', { certified: true }, (scene, stage) => {
  const seen = new Set();
  const base = () => stage.house.url;

  const refused = async (visitor, reason) => {
    await visitor.isRefused(reason);
    await stage.look(visitor, `refusal-${reason.replaceAll('_', '-')}`);
    const way = await visitor.page.getAttribute('main a.button', 'href').catch(() => undefined);
    assert.ok(way?.startsWith('/back-office/') || reason === 'attempt_unknown', `the way on from ${reason}: ${way}`);
    seen.add(reason);
  };
  /** Somebody signs in at the provider and comes back. */
  const arrives = async (account, reason) => {
    const visitor = await stage.visitor();
    await stage.signInByCertified(visitor, account, OTHER.name);
    await refused(visitor, reason);
  };
  /** Begins a trip and does not go to the provider; answers its state. */
  const begin = async (visitor) => {
    const start = await visitor.context.request.get(`${base()}/back-office/login/${OTHER.key}`, { maxRedirects: 0 });
    return new URL(start.headers().location).searchParams.get('state');
  };
  const iss = () => `iss=${encodeURIComponent(stage.certified.issuer)}`;
  const callback = (state, { key = OTHER.key, more = iss() } = {}) =>
    `${base()}/login/callback/${key}?code=made-up&state=${state}&${more}`;

  scene('an account that is not active', async () => {
    await stage.connectCertified({ ...OTHER, unknownUser: 'create' });
    stage.certified.people.set('bo', person('bo'));
    const visitor = await stage.visitor();
    await stage.signInByCertified(visitor, 'bo', OTHER.name);
    await visitor.isSignedIn('bo');
    await stage.house.cli('users', 'deactivate', 'bo@other.test');
    await arrives('bo', 'user_deactivated');
    await stage.house.rows.change(`UPDATE users SET status = 'held' WHERE email = 'bo@other.test'`);
    await arrives('bo', 'user_held');
    await stage.house.cli('users', 'delete', 'bo@other.test');
    await arrives('bo', 'user_deleted');
    await stage.house.cli('users', 'restore', 'bo@other.test');
    await stage.house.cli('users', 'activate', 'bo@other.test');
  });

  scene('a provider that does not say that somebody signed in anew', async () => {
    const redirectUri = 'https://shop.example/callback';
    await stage.house.addClient(['--application', 'back-office', '--name', 'Shop', '--id', 'shop', '--redirect-uri', redirectUri]);
    const visitor = await stage.visitor();
    await stage.signInByCertified(visitor, 'bo', OTHER.name);
    await visitor.isSignedIn('bo');
    const asked = new URLSearchParams({
      client_id: 'shop', redirect_uri: redirectUri, response_type: 'code', scope: 'openid', state: 'state',
      nonce: 'nonce', code_challenge: 'c'.repeat(43), code_challenge_method: 'S256', prompt: 'login',
    });
    await visitor.open(`${base()}/oauth/authorize?${asked}`);
    const way = await visitor.page.locator('a', { hasText: `Login with ${OTHER.name}` }).getAttribute('href');
    const start = await visitor.context.request.get(new URL(way, base()).href, { maxRedirects: 0 });
    const place = new URL(start.headers().location);
    assert.equal(place.searchParams.get('max_age'), '0');
    // Whoever sits at somebody else's browser may shorten the address, and the provider then asks nothing.
    for (const name of ['prompt', 'max_age']) place.searchParams.delete(name);
    await visitor.open(place.href);
    await refused(visitor, 'not_signed_in_anew');
  });

  scene('an address that proves nothing', async () => {
    stage.certified.people.set('mute', { given_name: 'Mute' });
    await arrives('mute', 'email_missing');
    stage.certified.people.set('doubt', person('doubt', { email_verified: false }));
    await arrives('doubt', 'email_untrusted');
    stage.certified.people.set('twin', person('bo'));
    await arrives('twin', 'linked_to_another');

    await stage.house.addStaff({ email: 'una@other.test', givenName: 'Una', familyName: 'Unconfirmed' });
    await stage.house.rows.change(`UPDATE users SET email_standing = 'unconfirmed' WHERE email = 'una@other.test'`);
    stage.certified.people.set('una', person('una'));
    await arrives('una', 'account_unconfirmed');
  });

  scene('a provider that does not do what it should', async () => {
    await arrives('nobody', 'provider_denied');
    stage.certified.hangsUpAt = '/token';
    await arrives('bo', 'provider_unreachable');
    stage.certified.hangsUpAt = undefined;

    const spoils = [
      ['/token', () => ({}), 'provider_malformed'],
      ['/token', (answer) => ({ ...answer, id_token: answer.id_token.replace(/[^.]*$/, 'bm90LXNpZ25lZA') }), 'token_invalid'],
      ['/me', (answer) => ({ ...answer, sub: 'somebody-else' }), 'userinfo_mismatch'],
    ];
    for (const [path, change, reason] of spoils) {
      stage.certified.spoils = { path, change };
      await arrives('bo', reason);
    }
    stage.certified.spoils = undefined;
  });

  scene('a decision hook that says no, and one that does not answer', async () => {
    const hook = createServer((request, response) => {
      request.resume().on('end', () => {
        response.setHeader('content-type', 'application/json').end(JSON.stringify({ decision: 'refuse' }));
      });
    });
    await once(hook.listen(0, '127.0.0.1'), 'listening');
    const host = `127.0.0.1:${hook.address().port}`;
    const policy = (...change) =>
      stage.house.cli('providers', 'change-connection', OTHER.key, '--application', 'back-office', ...change);
    await policy('--decision-hook', `http://${host}/decide`, '--hook-allow-private', host);
    await arrives('bo', 'hook_refused');
    hook.close();
    hook.closeAllConnections();
    await arrives('bo', 'hook_failed');
    await policy('--no-decision-hook');
  });

  scene('an answer that does not belong to a trip of this browser', async () => {
    const visitor = await stage.visitor();
    const once = callback(await begin(visitor));
    await visitor.open(once);
    await refused(visitor, 'provider_error');
    await visitor.open(once);
    await refused(visitor, 'attempt_replayed');

    const stranger = await stage.visitor();
    await stranger.open(callback(await begin(visitor)));
    await refused(stranger, 'attempt_foreign');
    await visitor.open(callback(await begin(visitor), { more: 'iss=https%3A%2F%2Fevil.test' }));
    await refused(visitor, 'issuer_mismatch');
    await visitor.open(callback('back-office_made-up'));
    await refused(visitor, 'attempt_unknown');
    await visitor.open(callback(await begin(visitor), { key: 'nobody' }));
    await refused(visitor, 'provider_not_connected');

    const slow = await begin(visitor);
    await stage.house.rows.change('UPDATE attempts SET expires_at = expires_at - 660000000 WHERE taken_at IS NULL');
    await visitor.open(callback(slow));
    await refused(visitor, 'attempt_expired');
  });

  scene('a door that takes nobody whom it does not know, and a provider that is switched off', async () => {
    await stage.connectCertified({ name: 'Strict', key: 'other-post', method: 'post', unknownUser: 'refuse' });
    stage.certified.people.set('new', person('new'));
    const visitor = await stage.visitor();
    await stage.signInByCertified(visitor, 'new', 'Strict');
    await refused(visitor, 'unknown_user');
    const policy = (...change) =>
      stage.house.cli('providers', 'change-connection', 'other-post', '--application', 'back-office', ...change);
    const comes = async (account, reason) => {
      const other = await stage.visitor();
      await stage.signInByCertified(other, account, 'Strict');
      await refused(other, reason);
    };
    await policy('--allowed-domain', 'partner.test');
    await comes('new', 'not_allowed');
    await policy('--any-domain', '--allow-if', 'claims.sub');
    await comes('new', 'rule_failed');
    const rules = stage.house.secretFile('rules.json', JSON.stringify({ groups: '"nowhere"' }));
    await policy('--any-claims', '--unknown-user', 'create', '--on-sign-in', rules, '--no-group-match', 'refuse');
    await comes('new', 'no_group');
    await policy('--inherit', 'on_sign_in', '--link', 'never', '--unknown-user', 'hold');
    await comes('bo', 'linking_off');
    await comes('new', 'user_held');

    const late = callback(await begin(visitor));
    await stage.house.cli('providers', 'disable', OTHER.key);
    await until('the button goes', async () => {
      const page = await fetch(`${base()}/back-office/login`);
      return !(await page.text()).includes(`/login/${OTHER.key}"`);
    });
    await visitor.open(late);
    await refused(visitor, 'provider_disabled');
  });

  scene('no reason of the decision table was left out', () => {
    assert.deepEqual([...seen].sort(), everyReason().sort());
  });
});
