// A real Keycloak, started once a run; every house gets a realm of its own from the checked-in template.
import { readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';

import { Program, freePort, testsDir } from './process.js';

/** Of the console; Keycloak listens on loopback alone. */
export const CONSOLE = { user: 'admin', password: 'keycloak-admin-of-the-tests' };

/** Written by scripts/neighbours: where Keycloak and Authlib stand, and which Java runs Keycloak. */
export function installed() {
  const cache = process.env.VESTIBULE_TOOLS ?? join(homedir(), '.cache', 'vestibule');
  const lines = readFileSync(join(cache, 'neighbours.env'), 'utf8').trim().split('\n');
  return Object.fromEntries(lines.map((line) => line.split(/=(.*)/s).slice(0, 2)));
}

export class Keycloak {
  static async start(preferredPort) {
    const { KEYCLOAK_HOME, JAVA_HOME } = installed();
    const keycloak = new Keycloak();
    const port = await freePort(preferredPort);
    keycloak.url = `http://127.0.0.1:${port}`;
    keycloak.program = new Program('keycloak', join(KEYCLOAK_HOME, 'bin', 'kc.sh'), [
      'start', '--optimized', '--cache=local', '--http-enabled=true', '--http-host=127.0.0.1',
      `--http-port=${port}`, `--hostname=${keycloak.url}`, '--log-level=warn,io.quarkus:info',
    ], {
      env: {
        JAVA_HOME,
        // The first compiler alone: half the time to start, and nobody here needs throughput.
        JAVA_OPTS_APPEND: '-XX:TieredStopAtLevel=1',
        KC_BOOTSTRAP_ADMIN_USERNAME: CONSOLE.user,
        KC_BOOTSTRAP_ADMIN_PASSWORD: CONSOLE.password,
      },
    });
    await keycloak.program.ready(`${keycloak.url}/realms/master`, 180);
    return keycloak;
  }

  stop() {
    return this.program.stop();
  }

  /** Imports the template as a realm whose client may redirect to `base`. */
  async realm(name, base, { clientSecret, userPassword }) {
    const template = readFileSync(join(testsDir, 'neighbours', 'keycloak', 'realm.json'), 'utf8');
    const values = { REALM: name, BASE: base, CLIENT_SECRET: clientSecret, USER_PASSWORD: userPassword };
    const filled = template.replace(/\$\{([A-Z_]+)\}/g, (_, key) => values[key]);
    await this.admin('POST', '/admin/realms', JSON.parse(filled));
    return new Realm(this, name);
  }

  /** A call of the admin REST API; a fresh token each time, because they live for a minute. */
  async admin(method, path, body) {
    const response = await fetch(`${this.url}${path}`, {
      method,
      headers: { authorization: `Bearer ${await this.token()}`, 'content-type': 'application/json' },
      body: body === undefined ? undefined : JSON.stringify(body),
    });
    const text = await response.text();
    if (!response.ok) throw new Error(`Keycloak: ${method} ${path}: ${response.status} ${text}`);
    return text ? JSON.parse(text) : undefined;
  }

  async token() {
    const response = await fetch(`${this.url}/realms/master/protocol/openid-connect/token`, {
      method: 'POST',
      body: new URLSearchParams({
        grant_type: 'password', client_id: 'admin-cli', username: CONSOLE.user, password: CONSOLE.password,
      }),
    });
    if (!response.ok) throw new Error(`Keycloak: no admin token: ${await response.text()}`);
    return (await response.json()).access_token;
  }
}

class Realm {
  constructor(keycloak, name) {
    this.keycloak = keycloak;
    this.name = name;
    this.issuer = `${keycloak.url}/realms/${name}`;
    /** What `--allow-private` takes. */
    this.host = new URL(keycloak.url).host;
  }

  async find(username) {
    const path = `/admin/realms/${this.name}/users?exact=true&username=${encodeURIComponent(username)}`;
    const [user] = await this.keycloak.admin('GET', path);
    return user;
  }

  async change(username, fields) {
    const user = await this.find(username);
    await this.keycloak.admin('PUT', `/admin/realms/${this.name}/users/${user.id}`, { ...user, ...fields });
  }

  /** Puts a user into a group, named by its whole path. */
  async join(username, path) {
    await this.#membership('PUT', username, path);
  }

  /** Takes a user out of one. */
  async leave(username, path) {
    await this.#membership('DELETE', username, path);
  }

  async #membership(method, username, path) {
    const realm = `/admin/realms/${this.name}`;
    const [user, group] = [await this.find(username), await this.keycloak.admin('GET', `${realm}/group-by-path${path}`)];
    await this.keycloak.admin(method, `${realm}/users/${user.id}/groups/${group.id}`);
  }

  /** Ends every session of a user, so that the next sign-in asks for the password again. */
  async signOut(username) {
    const user = await this.find(username);
    await this.keycloak.admin('POST', `/admin/realms/${this.name}/users/${user.id}/logout`);
  }
}
