// An application that is nothing but a page: `oidc-client-ts` in the browser, served from an origin of its own.
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';

const entry = createRequire(import.meta.url).resolve('oidc-client-ts');
const library = readFileSync(join(dirname(entry), '..', 'browser', 'oidc-client-ts.min.js'));

const page = (settings) => `<!doctype html><html lang="en"><title>Stock page</title><h1>Stock page</h1>
<script src="/oidc-client-ts.js"></script>
<script>
  const manager = new oidc.UserManager({
    ...${JSON.stringify(settings)}, userStore: new oidc.WebStorageStateStore({ store: sessionStorage }),
  });
  const told = (promise) => promise.catch((error) => ({ error: error.error ?? error.message }));
</script></html>`;

export class SinglePage {
  /** `id`: the public client that it is at the house at `authority`. */
  static async start(authority, id) {
    const single = new SinglePage();
    single.server = createServer((request, response) => {
      if (request.url === '/oidc-client-ts.js') {
        response.writeHead(200, { 'content-type': 'text/javascript' }).end(library);
      } else {
        response.writeHead(200, { 'content-type': 'text/html' }).end(page(single.settings));
      }
    });
    await new Promise((resolve) => single.server.listen(0, '127.0.0.1', resolve));
    single.url = `http://127.0.0.1:${single.server.address().port}`;
    single.callback = `${single.url}/callback`;
    single.signedOut = `${single.url}/signed-out`;
    single.settings = {
      authority, client_id: id, redirect_uri: single.callback, post_logout_redirect_uri: single.signedOut,
      scope: 'openid profile email', loadUserInfo: true, automaticSilentRenew: false, filterProtocolClaims: false,
    };
    return single;
  }

  stop() {
    this.server.closeAllConnections();
    return new Promise((resolve) => this.server.close(resolve));
  }
}
