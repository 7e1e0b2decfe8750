// An application that signs its people in here: a small relying party on the certified npm `openid-client`.
import { createServer } from 'node:http';

import { createRemoteJWKSet, jwtVerify } from 'jose';
import * as openid from 'openid-client';

import { freePort, until } from './process.js';

const page = (title, body) =>
  `<!doctype html><html lang="en"><title>${title}</title><h1>${title}</h1><p>${body}</p></html>`;

async function asRequest(request, base) {
  if (request.method !== 'POST') return new URL(request.url, base);
  const chunks = [];
  for await (const chunk of request) chunks.push(chunk);
  const { 'content-type': contentType } = request.headers;
  const body = Buffer.concat(chunks);
  return new Request(new URL(request.url, base), { method: 'POST', headers: { 'content-type': contentType }, body });
}

export class Application {
  /** Listens, but is nobody's client yet. */
  static async start() {
    const application = new Application();
    application.port = await freePort();
    application.url = `http://127.0.0.1:${application.port}`;
    application.callback = `${application.url}/callback`;
    application.signedOut = `${application.url}/signed-out`;
    /** Options of `vestibule clients add`, to hear of logouts. */
    application.hears = ['--backchannel-logout-uri', `${application.url}/told`, '--backchannel-logout-private'];
    /** What was asked, by `state`. */
    application.asked = new Map();
    application.server = createServer((request, response) => {
      application.answer(request, response).catch((error) => {
        response.writeHead(500, { 'content-type': 'text/plain' }).end(error.stack);
      });
    });
    await new Promise((resolve) => application.server.listen(application.port, '127.0.0.1', resolve));
    return application;
  }

  /** Becomes a client of `house`; `words` are options of `vestibule clients add`. */
  async register(house, id, words, authenticate = openid.ClientSecretBasic) {
    const client = await house.addClient([
      '--application', 'back-office', '--name', 'Order Desk', '--id', id,
      '--redirect-uri', this.callback, '--post-logout-uri', this.signedOut,
      '--grant', 'authorization_code', '--grant', 'refresh_token', ...words,
    ]);
    return this.connect(house, id, authenticate(client.client_secret));
  }

  /** Discovers the house; signatures of ID tokens are checked although they came directly. */
  async connect(house, id, authentication) {
    const execute = [openid.allowInsecureRequests, openid.enableNonRepudiationChecks];
    this.config = await openid.discovery(new URL(house.url), id, {}, authentication, { execute });
    return this.config;
  }

  /** Where a browser begins: with PKCE, state and nonce, pushed first if `pushed`. */
  async begin(parameters = {}, { pushed = false, config = this.config } = {}) {
    const [verifier, state, nonce] = [openid.randomPKCECodeVerifier(), openid.randomState(), openid.randomNonce()];
    this.asked.set(state, { config, verifier, state, nonce, maxAge: parameters.max_age });
    const all = {
      redirect_uri: this.callback, scope: 'openid profile email', state, nonce,
      code_challenge: await openid.calculatePKCECodeChallenge(verifier), code_challenge_method: 'S256', ...parameters,
    };
    const build = pushed ? openid.buildAuthorizationUrlWithPAR : openid.buildAuthorizationUrl;
    return (await build(config, all)).href;
  }

  /** Opens the way in; answers once the person is at our page, or back already. */
  async open(visitor, parameters, options) {
    await visitor.page.goto(await this.begin(parameters, options));
    await visitor.page.waitForLoadState();
  }

  /** From the application through the login page and back. */
  async signIn(visitor, { email, password }, parameters, options) {
    await this.open(visitor, parameters, options);
    await visitor.fill({ email, password });
    await visitor.submit('password');
    return this.takeTokens();
  }

  async answer(request, response) {
    const { pathname, searchParams } = new URL(request.url, this.url);
    response.setHeader('content-type', 'text/html');
    if (pathname === '/told') {
      this.told = await this.readLogoutToken(await asRequest(request, this.url));
      response.end();
    } else if (pathname === '/signed-out') {
      response.end(page('Signed out of the order desk', `state: ${searchParams.get('state') ?? ''}`));
    } else if (pathname === '/callback') {
      await this.arrive(await asRequest(request, this.url), request.method);
      const { claims, error } = this.arrived;
      response.end(claims ? page('Order desk', `Welcome, ${claims.name}`) : page('Not signed in', error));
    } else {
      response.writeHead(404).end(page('Nothing here', ''));
    }
  }

  /** OpenID Connect Back-Channel Logout 1.0, section 2.6; `openid-client` leaves that to its application. */
  async readLogoutToken(request) {
    const { issuer, jwks_uri: jwksUri } = this.config.serverMetadata();
    const token = new URLSearchParams(await request.text()).get('logout_token');
    const { payload } = await jwtVerify(token, createRemoteJWKSet(new URL(jwksUri)), {
      issuer, audience: this.config.clientMetadata().client_id, typ: 'logout+jwt', maxTokenAge: '2 minutes',
      requiredClaims: ['sub', 'sid', 'iat', 'exp', 'jti', 'events'],
    });
    if ('nonce' in payload) throw new Error('a logout token with a nonce');
    if (!('http://schemas.openid.net/event/backchannel-logout' in payload.events)) throw new Error('another event');
    return payload;
  }

  /** The claims of the logout token that has come, once. */
  async takeTold() {
    const told = await until('a logout token', () => this.told);
    this.told = undefined;
    return told;
  }

  /** Everything that an answer is checked for is checked by `openid-client`. */
  async arrive(answer, method) {
    const parameters = answer instanceof Request ? new URLSearchParams(await answer.clone().text()) : answer.searchParams;
    const asked = this.asked.get(parameters.get('state'));
    if (!asked) throw new Error(`an answer to nothing that was asked: ${parameters}`);
    this.asked.delete(asked.state);
    const { config, verifier, state, nonce, maxAge } = asked;
    const checks = { pkceCodeVerifier: verifier, expectedState: state, expectedNonce: nonce, maxAge, idTokenExpected: true };
    try {
      const tokens = await openid.authorizationCodeGrant(config, answer, checks);
      this.arrived = { method, code: parameters.get('code'), verifier, tokens, claims: tokens.claims() };
    } catch (error) {
      this.arrived = { method, error: codeOf(error) ?? error.message, description: error.error_description };
    }
  }

  /** What has come back, once; waits for a browser that sends it by itself. */
  async take() {
    const arrived = await until('the browser to come back to the application', () => this.arrived);
    this.arrived = undefined;
    return arrived;
  }

  /** Like `take`, for somebody who must be signed in. */
  async takeTokens() {
    const arrived = await this.take();
    if (!arrived.tokens) throw new Error(`not signed in: ${arrived.error}: ${arrived.description}`);
    return arrived;
  }

  stop() {
    this.server.closeAllConnections();
    return new Promise((resolve) => this.server.close(resolve));
  }
}

/** The OAuth error: of an answer, of a body, or of a challenge in a header. */
function codeOf(error) {
  return error.error ?? error.cause?.[0]?.parameters?.error;
}

/** The error of an endpoint that must refuse. */
export async function refused(promise) {
  try {
    await promise;
  } catch (error) {
    const code = codeOf(error);
    if (code) return { code, status: error.status, description: error.error_description };
    throw error;
  }
  throw new Error('this should have been refused');
}
