// An application that knows nothing of us but the standards: Python's Authlib, in a process of its own.
import { join } from 'node:path';

import { installed } from './keycloak.js';
import { Program, freePort, testsDir } from './process.js';

export class Authlib {
  /** Becomes a client of `house`, with back-channel logout, and starts. */
  static async start(house, id) {
    const application = new Authlib();
    const port = await freePort();
    application.url = `http://127.0.0.1:${port}`;
    const client = await house.addClient([
      '--application', 'back-office', '--name', 'Authlib', '--id', id,
      '--redirect-uri', `${application.url}/callback`, '--post-logout-uri', `${application.url}/signed-out`,
      '--backchannel-logout-uri', `${application.url}/told`, '--backchannel-logout-private',
    ]);
    const script = join(testsDir, 'neighbours', 'authlib', 'application.py');
    // Plain http is for loopback.
    const env = { CLIENT_SECRET: client.client_secret, AUTHLIB_INSECURE_TRANSPORT: '1', PYTHONUNBUFFERED: '1' };
    const python = join(installed().AUTHLIB_HOME, 'bin', 'python');
    application.program = new Program(`authlib-${house.name}`, python, [script, String(port), house.url, id], { env });
    await application.program.ready(application.url, 20);
    return application;
  }

  stop() {
    return this.program.stop();
  }
}
