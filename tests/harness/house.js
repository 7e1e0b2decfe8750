// The house under test: the built binary with a data folder of its own, and its command line.
import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';

import { Program, freePort, until } from './process.js';
import { Rows } from './rows.js';

const run = promisify(execFile);

const binary = () => {
  const path = process.env.VESTIBULE_BINARY;
  if (!path) throw new Error('VESTIBULE_BINARY names the binary under test');
  return resolve(path);
};

/** `{ server: { listen: '…' } }` as TOML; strings, numbers and lists of them suffice here. */
function toml(sections) {
  return Object.entries(sections)
    .map(([name, keys]) =>
      [`[${name}]`, ...Object.entries(keys).map(([key, value]) => `${key} = ${JSON.stringify(value)}`)].join('\n'))
    .join('\n\n');
}

export class House {
  /** `sections` are merged over the generated vestibule.toml. */
  static async start(name, { mail, sections = {}, port } = {}) {
    const house = new House();
    house.name = name;
    house.folder = mkdtempSync(join(tmpdir(), 'vestibule-house-'));
    house.port = port ?? await freePort();
    house.url = `http://127.0.0.1:${house.port}`;
    house.config = join(house.folder, 'vestibule.toml');
    house.rows = new Rows(join(house.folder, 'vestibule.db'));
    writeFileSync(house.config, toml({
      server: { listen: `127.0.0.1:${house.port}`, public_url: house.url, ...sections.server },
      database: { url: `sqlite:${join(house.folder, 'vestibule.db')}` },
      keys: { file: join(house.folder, 'vestibule.key') },
      ...(mail && { mail: { from: 'Vestibule <vestibule@company.test>', smtp_url: mail.url } }),
      ...Object.fromEntries(Object.entries(sections).filter(([name]) => name !== 'server')),
    }));
    await house.open();
    return house;
  }

  async open() {
    this.program = new Program(`house-${this.name}`, binary(), ['--config', this.config, 'serve'], { cwd: this.folder });
    await this.program.ready(`${this.url}/healthz`, 20);
  }

  /** Closes it, changes the text of its configuration, and opens it again. */
  async reopen(change) {
    await this.program.stop();
    writeFileSync(this.config, change(readFileSync(this.config, 'utf8')));
    await this.open();
  }

  async stop() {
    await this.program.stop();
    rmSync(this.folder, { recursive: true, force: true });
  }

  /** Runs a command of `vestibule`; answers what it prints, parsed when `--json` is among the words. */
  async cli(...words) {
    const { stdout } = await run(binary(), ['--config', this.config, ...words], { cwd: this.folder });
    return words.includes('--json') ? JSON.parse(stdout) : stdout;
  }

  /** Runs a command whatever it ends with: its exit code and what it prints. */
  async cliEnds(...words) {
    try {
      const { stdout } = await run(binary(), ['--config', this.config, ...words], { cwd: this.folder });
      return { code: 0, stdout };
    } catch (error) {
      if (typeof error.code === 'number') return { code: error.code, stdout: error.stdout };
      throw error;
    }
  }

  /** Like `cli`, for a command that must fail; answers what it says on standard error. */
  async cliRefused(...words) {
    try {
      await this.cli(...words);
    } catch (error) {
      if (typeof error.code === 'number') return error.stderr;
      throw error;
    }
    throw new Error(`vestibule ${words.join(' ')} should have been refused`);
  }

  /** A file in the house's folder that holds a secret, for the `--…-file` options. */
  secretFile(name, secret) {
    const path = join(this.folder, name);
    writeFileSync(path, secret, { mode: 0o600 });
    return path;
  }

  /** A staff user with a local password, unless `password` is left out. */
  addStaff({ email, givenName, familyName, group, password }) {
    const words = ['users', 'add', email, '--given-name', givenName, '--family-name', familyName, '--json'];
    if (group) words.push('--group', group);
    if (password) words.push('--password-file', this.secretFile(`password-${email}`, password));
    return this.cli(...words).then(({ user }) => user);
  }

  async listUsers() {
    return (await this.cli('users', 'list', '--json')).users;
  }

  /** One of the list, or nothing. */
  async findUser(email) {
    return (await this.listUsers()).find((user) => user.email === email);
  }

  /** Everything about one who is there. */
  async showUser(email) {
    return (await this.cli('users', 'show', email, '--json')).user;
  }

  /** A client of the words of `vestibule clients add`; waits until the running house knows it. */
  async addClient(words) {
    const { client } = await this.cli('clients', 'add', ...words, '--json');
    const asked = `${this.url}/oauth/authorize?client_id=${encodeURIComponent(client.client_id)}`;
    await until(`the client ${client.client_id}`, async () => {
      const page = await fetch(asked);
      return !(await page.text()).includes('client_id is not registered');
    });
    return client;
  }

  /** A provider with a button on the back office. */
  async addProvider({ name, key, issuer, host, clientId, clientSecret, unknownUser, group, more = [] }) {
    const words = ['providers', 'add', '--name', name, '--key', key, '--issuer', issuer];
    words.push('--client-id', clientId, '--client-secret-file', this.secretFile(`secret-${key}`, clientSecret));
    words.push('--allow-private', host, '--application', 'back-office', '--unknown-user', unknownUser);
    if (group) words.push('--default-group', group);
    const added = await this.cli(...words, ...more);
    // The running house looks at what others changed four times a second.
    await until(`a button for ${key}`, async () => {
      const page = await fetch(`${this.url}/back-office/login?ways=all`);
      return (await page.text()).includes(`/login/${key}"`);
    });
    return added;
  }
}
