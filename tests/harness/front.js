// A real nginx with TLS in front of the house, at an address of its own, with certificates made for the run.
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { request } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { Program, freePort, until } from './process.js';

// Loopback like the house's own, and yet another host: what stands here is a proxy to the house.
const ADDRESS = '127.0.0.2';

export class Front {
  static async prepare(name) {
    const front = new Front();
    front.name = name;
    front.folder = mkdtempSync(join(tmpdir(), 'vestibule-front-'));
    front.port = await freePort();
    front.url = `https://${ADDRESS}:${front.port}`;
    front.openssl('req', '-x509', ...front.key('authority'), '-days', '400', '-subj', '/CN=Authority of the tests',
      '-out', front.file('authority.pem'));
    return front;
  }

  /** What the house behind it is configured with. */
  sections() {
    return {
      server: { public_url: this.url, trusted_proxies: ['127.0.0.1'] },
      outbound: { extra_ca_files: [this.file('authority.pem')] },
    };
  }

  /** Serves, or serves otherwise: `forwardedFor` is what nginx writes there, `days` how long the certificate lasts. */
  async open(house, { forwardedFor = '$remote_addr', days = 90 } = {}) {
    await this.program?.stop();
    this.certify(days);
    const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map((kind) => {
      mkdirSync(this.file(kind), { recursive: true });
      return `${kind}_temp_path ${this.file(kind)};`;
    });
    const user = process.getuid() === 0 ? 'user root;' : '';
    writeFileSync(this.file('nginx.conf'), `
      ${user} daemon off; worker_processes 1; pid ${this.file('pid')}; error_log stderr;
      events {}
      http {
        access_log off; ${temporary.join(' ')}
        server {
          listen ${ADDRESS}:${this.port} ssl;
          ssl_certificate ${this.file('server.pem')};
          ssl_certificate_key ${this.file('server.key')};
          location / {
            proxy_pass http://127.0.0.1:${house.port};
            proxy_set_header Host $http_host;
            proxy_set_header X-Forwarded-For ${forwardedFor};
          }
        }
      }`);
    const command = process.env.VESTIBULE_NGINX ?? '/usr/sbin/nginx';
    const words = ['-e', this.file('error.log'), '-p', this.folder, '-c', this.file('nginx.conf')];
    this.program = new Program(`front-${this.name}`, command, words);
    await until('nginx answers', () => {
      if (this.program.how) throw new Error(`nginx ended: ${this.program.how}\n${this.program.lastWords()}`);
      return this.ask('/healthz').then(({ status }) => status === 200, () => false);
    });
  }

  async stop() {
    await this.program?.stop();
    rmSync(this.folder, { recursive: true, force: true });
  }

  /** Asks without a browser; whose certificate it is was made sure of by whoever else asks. */
  ask(path) {
    const options = { host: ADDRESS, port: this.port, path, rejectUnauthorized: false };
    return new Promise((resolve, reject) => {
      const asked = request(options, (answer) => {
        answer.resume();
        answer.on('end', () => resolve({ status: answer.statusCode, headers: answer.headers }));
      });
      asked.on('error', reject);
      asked.end();
    });
  }

  certify(days) {
    const asked = this.file('server.csr');
    this.openssl('req', ...this.key('server'), '-subj', '/CN=Vestibule', '-out', asked);
    writeFileSync(this.file('extensions'), `subjectAltName=IP:${ADDRESS}\nbasicConstraints=CA:FALSE\n`);
    this.openssl('x509', '-req', '-in', asked, '-CA', this.file('authority.pem'), '-CAkey', this.file('authority.key'),
      '-CAcreateserial', '-days', String(days), '-extfile', this.file('extensions'), '-out', this.file('server.pem'));
  }

  key(name) {
    return ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-keyout', this.file(`${name}.key`)];
  }

  openssl(...words) {
    execFileSync('openssl', words, { stdio: ['ignore', 'ignore', 'pipe'] });
  }

  file(name) {
    return join(this.folder, name);
  }
}
