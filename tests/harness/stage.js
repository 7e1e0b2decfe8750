// Sets the stage of a scenario, once with JavaScript and once without: a house, and the neighbours it asks for.
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';

import { Application } from './application.js';
import { Browser } from './browser.js';
import { Certified } from './certified.js';
import { Demo } from './demo.js';
import { Front } from './front.js';
import { House } from './house.js';
import { Keycloak } from './keycloak.js';
import { MailSink } from './mail.js';
import { freePort, outputDir } from './process.js';
import { ProtectedPage } from './proxy.js';

/** What all scenarios share; started once a run. */
const shared = {};

async function openStage() {
  [shared.browser, shared.keycloak] = await Promise.all([Browser.start(), Keycloak.start()]);
}

async function closeStage() {
  await Promise.all([shared.browser.stop(), shared.keycloak.stop()]);
}

export const ADMIN = {
  email: 'ada.admin@company.test', givenName: 'Ada', familyName: 'Admin', group: 'administrators',
  password: 'lantern cobalt walnut 41',
};

/** What every person of the realm types at Keycloak. */
export const REALM_PASSWORD = 'harbour violet tin 93';

class Stage {
  constructor(name, javaScript) {
    this.name = name;
    this.javaScript = javaScript;
    this.visitors = [];
    /** What a scene has started besides. */
    this.others = [];
  }

  async set({ demo, empty, keycloak, certified, application, proxy, front, sections }) {
    if (demo) {
      this.demo = await Demo.start(this.name);
      return;
    }
    const port = await freePort();
    const base = `http://127.0.0.1:${port}`;
    this.mail = await MailSink.start();
    if (proxy) sections = { ...sections, server: { trusted_proxies: ['127.0.0.1'] } };
    if (front) {
      this.front = await Front.prepare(this.name);
      sections = { ...sections, ...this.front.sections() };
    }
    this.house = await House.start(this.name, { mail: this.mail, sections, port });
    if (!empty) await this.house.addStaff(ADMIN);
    if (application) this.application = await Application.start();
    if (proxy) this.page = await ProtectedPage.start(proxy, this.name, this.house);
    await this.front?.open(this.house);
    if (keycloak) {
      this.realmSecret = randomBytes(24).toString('hex');
      const secrets = { clientSecret: this.realmSecret, userPassword: REALM_PASSWORD };
      this.realm = await shared.keycloak.realm(this.name, base, secrets);
    }
    if (certified) {
      this.certifiedSecret = randomBytes(24).toString('hex');
      this.certified = await Certified.start(certifiedClients(base, this.certifiedSecret));
    }
  }

  async strike() {
    for (const visitor of this.visitors) await visitor.leave();
    for (const other of this.others) await other.stop();
    await this.page?.stop();
    await this.front?.stop();
    await this.house?.stop();
    await this.mail?.stop();
    await this.certified?.stop();
    await this.application?.stop();
    await this.demo?.stop();
  }

  async visitor() {
    const visitor = await shared.browser.visitor({ javaScript: this.javaScript });
    this.visitors.push(visitor);
    return visitor;
  }

  /** Connects the realm to the back office. */
  connectKeycloak({ name = 'Company', key = 'company', unknownUser, group, more }) {
    const { issuer, host } = this.realm;
    return this.house.addProvider({
      name, key, issuer, host, clientId: 'vestibule', clientSecret: this.realmSecret, unknownUser, group, more,
    });
  }

  /** Connects the certified provider; `method`: `basic` or `post`. */
  connectCertified({ name, key, method, unknownUser, more }) {
    const { issuer, host } = this.certified;
    return this.house.addProvider({
      name, key, issuer, host, clientId: `vestibule-${method}`, clientSecret: this.certifiedSecret, unknownUser, more,
    });
  }

  /** Opens the login page and signs in with a password. */
  async signIn(visitor, person, query = '') {
    await visitor.open(`${this.house.url}/back-office/login${query}`);
    await this.fillIn(visitor, person);
  }

  /** Answers the login page that is open. */
  async fillIn(visitor, { email, password }) {
    await visitor.fill({ email, password });
    await visitor.submit('password');
  }

  /** Presses the realm's button and answers Keycloak's form if it asks. */
  async signInByKeycloak(visitor, username, { name = 'Company', query = '' } = {}) {
    await visitor.open(`${this.house.url}/back-office/login${query}`);
    await visitor.press(`Login with ${name}`);
    if (visitor.url.origin === this.house.url) return;
    await visitor.fill({ username, password: REALM_PASSWORD });
    await visitor.page.click('#kc-login');
    await visitor.page.waitForURL((url) => url.origin === this.house.url);
    await visitor.page.waitForLoadState();
  }

  /** Presses a button of the certified provider and names the account if it asks. */
  async signInByCertified(visitor, account, name) {
    await visitor.open(`${this.house.url}/back-office/login`);
    await visitor.press(`Login with ${name}`);
    if (visitor.url.origin === this.house.url) return;
    await visitor.fill({ login: account });
    await visitor.submit('login');
    await visitor.page.waitForURL((url) => url.origin === this.house.url);
  }

  /** Looks at a page once: the HTML is the same without JavaScript, where the checker cannot run. */
  async look(visitor, name) {
    if (this.javaScript) await visitor.look(name);
  }

  async keepEvidence(title) {
    const file = `failed-${this.name}-${title.replace(/[^a-z0-9]+/gi, '-')}`.slice(0, 120);
    const visitor = this.visitors.at(-1);
    if (visitor) await visitor.page.screenshot({ path: join(outputDir, 'screens', `${file}.png`) });
  }
}

function certifiedClients(base, secret) {
  const keys = { basic: 'client_secret_basic', post: 'client_secret_post' };
  return Object.entries(keys).map(([method, token_endpoint_auth_method]) => ({
    client_id: `vestibule-${method}`,
    client_secret: secret,
    redirect_uris: [`${base}/login/callback/other-${method}`],
    token_endpoint_auth_method,
  }));
}

/** Every scenario that was imported, as what registers it with node:test. */
const scenarios = [];

/**
 * Plays the scenes with JavaScript on and off (on alone, if they are `scripted`), each time in a house of its own.
 * `scenes(scene, stage)` registers them with `scene(title, play)`; they run in order and share the house.
 */
export function scenario(name, needs, scenes) {
  const ways = [['on', true], ['off', false]];
  for (const [way, javaScript] of needs.scripted ? ways.slice(0, 1) : ways) {
    const stage = new Stage(`${name}-${way}`, javaScript);
    scenarios.push(() => describe(`${name}, JavaScript ${way}`, { concurrency: 1 }, () => {
      before(() => stage.set(needs));
      after(() => stage.strike());
      const scene = (title, play) => test(title, async () => {
        try {
          await play();
        } catch (error) {
          // Evidence is welcome, but the error is what matters.
          await stage.keepEvidence(title).catch(() => undefined);
          throw error;
        }
      });
      scenes(scene, stage);
    }));
  }
}

/** Plays what was imported, two at a time: a browser waits more than it works. */
export function playAll() {
  describe('scenarios', { concurrency: 2 }, () => {
    before(openStage);
    after(closeStage);
    for (const play of scenarios) play();
  });
}
