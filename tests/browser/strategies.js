// Each door with each strategy, by a real Keycloak with groups: created, refused, held and approved, in groups and out.
import assert from 'node:assert/strict';

import { until } from '../harness/process.js';
import { ADMIN, REALM_PASSWORD, scenario } from '../harness/stage.js';

const NORA = 'nora.newcomer@company.test';
const LENA = 'lena.linked@company.test';
const RUFUS = 'rufus.refused@company.test';
const GROUPS = 'claims.groups.filter(g, g.startsWith("/shop/")).map(g, g.substring(6))';

scenario('strategies', { keycloak: true }, (scene, stage) => {
  const at = (path) => `${stage.house.url}${path}`;

  const connect = async (door, ...more) => {
    await stage.house.cli('providers', 'connect', 'company', '--application', door, ...more);
    await until(`a button at ${door}`, async () => (await (await fetch(at(`/${door}/login`))).text()).includes('/login/company"'));
  };
  /** Holds for the next sign-in: policies are read where people are decided about. */
  const change = (door, ...more) => stage.house.cli('providers', 'change-connection', 'company', '--application', door, ...more);

  const comes = async (door, username, query = '') => {
    const visitor = await stage.visitor();
    await visitor.open(at(`/${door}/login${query}`));
    await visitor.press('Login with Company');
    await visitor.fill({ username, password: REALM_PASSWORD });
    await visitor.page.click('#kc-login');
    await visitor.page.waitForURL((url) => url.origin === stage.house.url);
    await visitor.page.waitForLoadState();
    return visitor;
  };
  const isIn = async (visitor, door, name) => {
    assert.equal(visitor.url.pathname, `/${door}`, await visitor.text());
    await visitor.sees(`Signed in as ${name}`);
  };
  const isStaff = async (email) => (await stage.house.cli('users', 'list', '--type', 'staff', '--json')).users.some((user) => user.email === email);
  const groupsOf = async (email, type) => (await stage.house.cli('users', 'show', email, '--type', type, '--json')).user.groups;

  scene('the storefront makes a customer of whoever comes, and brings them back to the checkout', async () => {
    await stage.connectKeycloak({ unknownUser: 'refuse' });
    await connect('storefront');
    const visitor = await comes('storefront', 'nora', '?return_to=%2Fstorefront%3Fcart%3D7');
    assert.equal(visitor.url.href, at('/storefront?cart=7'));
    await visitor.sees('Signed in as Nora Newcomer');
    const { user } = await stage.house.cli('users', 'show', NORA, '--type', 'customer', '--json');
    assert.deepEqual([user.status, user.has_password], ['active', false]);
  });

  scene('the back office takes nobody whom it does not know; known there is not known here', async () => {
    const visitor = await comes('back-office', 'nora');
    await visitor.isRefused('unknown_user');
    assert.ok(!await isStaff(NORA));
  });

  scene('told to create, it makes staff in the default group, which grants nothing', async () => {
    await stage.house.cli('groups', 'add', 'newcomers');
    await change('back-office', '--unknown-user', 'create', '--default-group', 'newcomers');
    await isIn(await comes('back-office', 'nora'), 'back-office', 'Nora Newcomer');
    assert.deepEqual(await groupsOf(NORA, 'staff'), ['newcomers']);
  });

  scene('staff whom an administrator entered are linked, by the address that Keycloak confirmed', async () => {
    const { id } = await stage.house.addStaff({ email: LENA, givenName: 'Lena', familyName: 'Local' });
    await isIn(await comes('back-office', 'lena'), 'back-office', 'Lena');
    const user = await stage.house.showUser(LENA);
    assert.deepEqual([user.id, user.identities.length], [id, 1]);
  });

  scene('a merchant waits for approval, is told by mail, and comes in', async () => {
    await connect('merchant-portal', '--unknown-user', 'hold');
    const visitor = await comes('merchant-portal', 'nora');
    await visitor.isRefused('user_held');
    await visitor.sees('Your account is waiting for approval');
    await stage.look(visitor, 'refused-held');
    await visitor.open(at('/merchant-portal'));
    assert.equal(visitor.url.pathname, '/merchant-portal/login', 'no session');

    const { users } = await stage.house.cli('users', 'list', '--status', 'held', '--json');
    assert.deepEqual(users.map(({ email, type }) => [email, type]), [[NORA, 'merchant']]);
    await stage.house.cli('users', 'approve', NORA, '--type', 'merchant');
    const mail = await stage.mail.take(NORA);
    assert.match(mail.subject, /approved/i);
    assert.ok(mail.text.includes(at('/merchant-portal')), mail.text);
    await isIn(await comes('merchant-portal', 'nora'), 'merchant-portal', 'Nora Newcomer');
  });

  scene('who is rejected is told by mail, and at the door', async () => {
    const visitor = await comes('merchant-portal', 'rufus');
    await visitor.isRefused('user_held');
    await stage.house.cli('users', 'reject', RUFUS, '--type', 'merchant');
    assert.match((await stage.mail.take(RUFUS)).subject, /not approved/i);
    await (await comes('merchant-portal', 'rufus')).isRefused('user_deactivated');
  });

  scene('the dashboard is for members alone, until it is told to create them', async () => {
    await connect('dashboard');
    await (await comes('dashboard', 'nora')).isRefused('unknown_user');
    await change('dashboard', '--unknown-user', 'create');
    await isIn(await comes('dashboard', 'nora'), 'dashboard', 'Nora Newcomer');
  });

  scene('groups at Keycloak are groups here, for as long as they are, and what others gave stays', async () => {
    for (const group of ['Editors', 'Support', 'Night shift']) await stage.house.cli('groups', 'add', group);
    await stage.house.cli('groups', 'add-member', 'Night shift', NORA);
    const mapping = stage.house.secretFile('mapping.json', JSON.stringify({ groups: GROUPS }));
    await change('back-office', '--on-sign-in', mapping, '--no-group-match', 'keep');
    await isIn(await comes('back-office', 'nora'), 'back-office', 'Nora');
    assert.deepEqual((await groupsOf(NORA, 'staff')).sort(), ['Editors', 'Night shift']);

    await stage.realm.leave('nora', '/shop/Editors');
    await stage.realm.join('nora', '/shop/Support');
    await isIn(await comes('back-office', 'nora'), 'back-office', 'Nora');
    assert.deepEqual((await groupsOf(NORA, 'staff')).sort(), ['Night shift', 'Support']);
  });

  scene('a rule over groups keeps out whoever is in none, and lets them in when they are', async () => {
    await change('back-office', '--allow-if', 'claims.groups.exists(g, g.startsWith("/shop/"))');
    await (await comes('back-office', 'rufus')).isRefused('not_allowed');
    assert.ok(!await isStaff(RUFUS));
    await stage.realm.join('rufus', '/shop/Editors');
    await isIn(await comes('back-office', 'rufus'), 'back-office', 'Rufus');
    assert.deepEqual((await groupsOf(RUFUS, 'staff')).sort(), ['Editors']);
  });

  scene('no claim makes an administrator, and the administrator of the house is one still', async () => {
    const mapping = stage.house.secretFile('mapping.json', JSON.stringify({ groups: '["administrators", "Editors"]' }));
    await change('back-office', '--on-sign-in', mapping);
    await isIn(await comes('back-office', 'nora'), 'back-office', 'Nora');
    assert.ok(!(await groupsOf(NORA, 'staff')).includes('administrators'));
    const visitor = await stage.visitor();
    await stage.signIn(visitor, ADMIN);
    await visitor.isSignedIn('Ada Admin');
  });
});
