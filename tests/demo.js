// `make demo-keycloak`: the demo of the binary named on the command line, with a real Keycloak behind its button.
import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';

import { CONSOLE, Keycloak } from './harness/keycloak.js';
import { Program, freePort, until } from './harness/process.js';

const HOUSE_PORT = 8480;
/** The demo takes two more ports. */
const KEYCLOAK_PORT = HOUSE_PORT + 3;
const USER_PASSWORD = 'keycloak-demo-2026';

const binary = resolve(process.argv[2]);
const port = await freePort(HOUSE_PORT);
const url = `http://127.0.0.1:${port}`;
const clientSecret = randomBytes(24).toString('hex');

console.log('Starting Keycloak; this takes half a minute.');
const keycloak = await Keycloak.start(KEYCLOAK_PORT);
const realm = await keycloak.realm('company', url, { clientSecret, userPassword: USER_PASSWORD });

const house = new Program('demo', binary, ['demo', '--port', String(port)]);
await house.ready(`${url}/healthz`, 20);
const said = await until('the demo says where its configuration is', () => house.lastWords().match(/--config (\S+)/));
const config = said[1];
const secretFile = join(dirname(config), 'keycloak-secret');
writeFileSync(secretFile, clientSecret, { mode: 0o600 });
execFileSync(binary, [
  '--config', config, 'providers', 'add', '--name', 'Keycloak', '--key', 'keycloak', '--issuer', realm.issuer,
  '--client-id', 'vestibule', '--client-secret-file', secretFile, '--allow-private', realm.host,
  '--application', 'back-office', '--unknown-user', 'create',
]);

console.log(house.lastWords());
console.log(`The button "Login with Keycloak" works too: user name nora or lena, password ${USER_PASSWORD}.`);
console.log(`Keycloak's own console: ${keycloak.url}/admin/, user name ${CONSOLE.user}, password ${CONSOLE.password}.`);
await house.ended;
await keycloak.stop();
