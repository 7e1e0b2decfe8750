// A second, different identity provider: the certified npm `oidc-provider`, with people that a test can change.
import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { createServer } from 'node:http';

import { Provider } from 'oidc-provider';

import { freePort } from './process.js';

const CLAIMS = {
  openid: ['sub'],
  profile: ['name', 'given_name', 'family_name', 'preferred_username'],
  email: ['email', 'email_verified'],
};

const page = (title, body) =>
  `<!doctype html><html lang="en"><title>${title}</title><h1>${title}</h1>${body}</html>`;

const loginForm = `<form method="post">
<label>Account <input name="login" required></label>
<button type="submit">Continue</button></form>`;

/** One grant for everything the client asked for: consent is not what these tests are about. */
async function grantAll(ctx) {
  const { client, provider, session, params } = ctx.oidc;
  const grant = new provider.Grant({ clientId: client.clientId, accountId: session.accountId });
  grant.addOIDCScope(params.scope);
  await grant.save();
  return grant;
}

function signingKey() {
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  return { ...privateKey.export({ format: 'jwk' }), use: 'sig', alg: 'RS256', kid: randomBytes(8).toString('hex') };
}

function configuration(people, clients) {
  return {
    clients,
    claims: CLAIMS,
    cookies: { keys: [randomBytes(32).toString('hex')] },
    features: { devInteractions: { enabled: false } },
    interactions: { url: (_, interaction) => `/interaction/${interaction.uid}` },
    jwks: { keys: [signingKey()] },
    loadExistingGrant: grantAll,
    pkce: { required: () => true },
    ttl: { Interaction: 600, Session: 600, Grant: 600, IdToken: 60, AccessToken: 60 },
    findAccount: (_, id) =>
      people.has(id) ? { accountId: id, claims: () => ({ sub: id, ...people.get(id) }) } : undefined,
  };
}

async function readForm(request) {
  let body = '';
  for await (const chunk of request) body += chunk;
  return new URLSearchParams(body);
}

export class Certified {
  /** `clients`: OpenID Connect client metadata; `base`: the house that they redirect to. */
  static async start(clients) {
    const certified = new Certified();
    certified.people = new Map();
    /** A path at which the connection breaks without an answer. */
    certified.hangsUpAt = undefined;
    /** `{ path, change }`: what `change` makes of the JSON that is answered at a path. */
    certified.spoils = undefined;
    const port = await freePort();
    certified.issuer = `http://127.0.0.1:${port}`;
    certified.host = `127.0.0.1:${port}`;
    certified.provider = new Provider(certified.issuer, configuration(certified.people, clients));
    const speak = certified.provider.callback();
    certified.server = createServer((request, response) => {
      if (certified.hangsUpAt === new URL(request.url, certified.issuer).pathname) {
        request.socket.destroy();
      } else if (request.url.startsWith('/interaction/')) {
        certified.interact(request, response).catch((error) => response.writeHead(500).end(error.message));
      } else {
        certified.spoil(request, response);
        speak(request, response);
      }
    });
    await new Promise((resolve) => certified.server.listen(port, '127.0.0.1', resolve));
    return certified;
  }

  spoil(request, response) {
    const { path, change } = this.spoils ?? {};
    if (path !== new URL(request.url, this.issuer).pathname) return;
    const end = response.end.bind(response);
    response.end = (body) => {
      const spoiled = JSON.stringify(change(JSON.parse(body)));
      response.setHeader('content-length', Buffer.byteLength(spoiled));
      return end(spoiled);
    };
  }

  async interact(request, response) {
    if (request.method !== 'POST') {
      response.writeHead(200, { 'content-type': 'text/html' }).end(page('Sign in at the other company', loginForm));
      return;
    }
    const accountId = (await readForm(request)).get('login');
    if (this.people.has(accountId)) {
      await this.provider.interactionFinished(request, response, { login: { accountId } });
    } else {
      const refusal = { error: 'access_denied', error_description: 'nobody of that name' };
      await this.provider.interactionFinished(request, response, refusal);
    }
  }

  stop() {
    this.server.closeAllConnections();
    return new Promise((resolve) => this.server.close(resolve));
  }
}
