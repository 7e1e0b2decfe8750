// What must have been looked at, address by address: every page of the route table in each of its states.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';

import { looked } from '../harness/browser.js';
import { testsDir } from '../harness/process.js';
import { everyReason } from './refusals.js';

const named = (prefix, words) => words.split(' ').map((word) => `${prefix}-${word}`);

const SCREENS = {
  '/': ['root'],
  '/back-office/setup': ['setup', ...named('setup', 'weak used open-again')],
  '/{application}': ['home', 'home-by-provider', 'home-glass-broken'],
  '/{application}/account': [
    'account', ...named('account', 'saved wrong wrong-password linkable linked unlinked sessions'),
  ],
  '/{application}/account/identities/link/{provider}': ['login-fresh'],
  '/{application}/account/identities/unlink': [],
  '/{application}/account/password': [],
  '/{application}/account/profile': [],
  '/{application}/account/sessions/end': [],
  '/{application}/account/sessions/end-all': ['login-signed-out-everywhere'],
  '/{application}/break-glass': ['break-glass', ...named('break-glass', 'wrong throttled')],
  '/{application}/login': [
    'login', ...named('login', 'storefront merchant-portal dashboard with-provider many-providers nobody'),
    ...named('login', 'wrong throttled needs-reset form-expired passwords-refused passwords-closed'),
    ...named('login', 'signed-out set-up password-set again sends-on-signed-out'),
    ...named('login', 'find found choose-way way-not-found address-only elsewhere own-buttons'),
  ],
  '/{application}/login/{provider}': ['start-not-connected', 'start-wait'],
  '/{application}/logout': ['logout', 'logout-form-expired'],
  '/{application}/proof/{proof}': ['proof', ...named('proof', 'wrong either-way by-provider not-the-account'), 'refusal-proof-void'],
  '/{application}/proof/{proof}/mailbox/check': named('mailbox', 'wrong used-up no-more shown everything-shown'),
  '/{application}/proof/{proof}/mailbox/send': ['mailbox', ...named('mailbox', 'sent staff throttled no-mail')],
  '/{application}/proof/{proof}/{provider}': [],
  '/{application}/password/forgot': ['forgot', ...named('forgot', 'sent throttled form-expired passwords-closed')],
  '/{application}/password/reset': ['reset', ...named('reset', 'weak unequal used invalid open-again')],
  '/login/callback': ['callback-bare'],
  '/login/callback/{provider}': [
    'one-more-step', 'refusal-identity-taken', ...everyReason().map((reason) => `refusal-${reason.replaceAll('_', '-')}`),
    ...named('refused', 'foreign-browser attempt-replayed user-deactivated user-deleted unknown-user held'),
    ...named('refused', 'at-the-wrong-door'),
    ...named('refused', 'email-missing email-untrusted by-provider provider-unreachable provider-disabled callback'),
  ],
  '/forward-auth/{application}/enter': named('host', 'not-registered incomplete'),
  '/.vestibule/accept': named('host', 'no-cookie ticket-refused'),
  '/.vestibule/logout': named('host', 'logout logout-form-expired signed-out'),
  '/.vestibule/start': [],
  '/oauth/authorize': ['form-post', 'sign-in-cannot-begin', 'login-for-application'],
  '/oauth/authorize/continue': ['consent', 'choose-account'],
  '/oauth/logout': named('oauth', 'logout signed-out'),
};

/** What any address can come to. */
const EVERYWHERE = [
  ...named('not-found', 'nowhere back-office-nowhere'), ...named('fault', '400 405 413'), 'busy', 'broken',
];

/** Of the demo: pages of the shop, and where its company signs people in. */
const DEMO = ['demo-acme', ...named('demo-shop', 'signed-in signed-out cancelled'), 'demo-shop'];

/** For machines: nobody reads them. */
const NO_PAGES = [
  '/healthz', '/readyz', '/openapi.json', '/assets/{file}', '/forward-auth/{application}', '/.vestibule/assets/{file}',
  '/.well-known/openid-configuration', '/.well-known/oauth-authorization-server',
  ...['introspect', 'jwks', 'par', 'revoke', 'token', 'userinfo'].map((word) => `/oauth/${word}`),
];

/** The route table, as the router's own source has it. */
function routes() {
  const source = readFileSync(join(testsDir, '../crates/server/src/router.rs'), 'utf8');
  return [...source.matchAll(/\(\s*"(\/[^"]*)",/g)].map(([, path]) => path);
}

describe('screens', () => {
  test('every address that is served has its screens, or is for machines', () => {
    assert.deepEqual(routes().sort(), [...Object.keys(SCREENS), ...NO_PAGES].sort());
  });

  test('every state of every page was looked at, and no picture is unaccounted for', () => {
    assert.deepEqual([...looked].sort(), [...Object.values(SCREENS).flat(), ...DEMO, ...EVERYWHERE].sort());
  });
});
