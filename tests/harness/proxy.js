// A page on a second host name, behind a real nginx or Caddy that asks the house, configured as docs/ says.
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, request } from 'node:http';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { Program, freePort, until } from './process.js';

const docs = join(dirname(dirname(dirname(fileURLToPath(import.meta.url)))), 'docs', 'reverse-proxy');

/** Shows every header that reached it. */
function startPage() {
  const server = createServer((asked, answer) => {
    const headers = JSON.stringify(asked.rawHeaders).replaceAll('<', '\\u003c');
    answer.setHeader('content-type', 'text/html; charset=utf-8');
    answer.end(`<!doctype html><title>Shop</title><h1>Shop</h1><script type="application/json">${headers}</script>`);
  });
  return new Promise((resolve) => server.listen(0, '127.0.0.1', () => resolve(server)));
}

export class ProtectedPage {
  /** `kind`: `nginx` or `caddy`; the house must trust 127.0.0.1. */
  static async start(kind, name, house) {
    const page = new ProtectedPage();
    page.folder = mkdtempSync(join(tmpdir(), 'vestibule-proxy-'));
    page.server = await startPage();
    page.port = await freePort();
    page.host = `shop.localhost:${page.port}`;
    page.url = `http://${page.host}`;
    await house.cli('hosts', 'add', page.url, '--application', 'back-office');
    const start = { nginx: startNginx, caddy: startCaddy }[kind];
    page.program = start(page, name, (text) => text
      .replaceAll('127.0.0.1:8080', `127.0.0.1:${house.port}`)
      .replaceAll('127.0.0.1:3000', `127.0.0.1:${page.server.address().port}`));
    // The proxy listens, and the house knows the host.
    await until(`${kind} answers`, () => {
      if (page.program.how) throw new Error(`${kind} ended: ${page.program.how}\n${page.program.lastWords()}`);
      return page.ask('/').then(({ status }) => status === 401, () => false);
    });
    return page;
  }

  async stop() {
    await this.program?.stop();
    this.server?.close();
    rmSync(this.folder, { recursive: true, force: true });
  }

  /** Asks without a browser, by a path exactly as it stands here. */
  ask(path, headers = {}) {
    const options = { host: '127.0.0.1', port: this.port, path, headers: { host: this.host, ...headers } };
    return new Promise((resolve, reject) => {
      const asked = request(options, (answer) => {
        answer.resume();
        answer.on('end', () => resolve({ status: answer.statusCode, headers: answer.headers }));
      });
      asked.on('error', reject);
      asked.end();
    });
  }

  /** Names (in lower case) and values of all headers that reached the page which a visitor sees. */
  async headers(visitor) {
    const raw = JSON.parse(await visitor.page.locator('script').textContent());
    return raw.flatMap((name, at) => (at % 2 === 0 ? [[name.toLowerCase(), raw[at + 1]]] : []));
  }
}

function startNginx(page, name, adapt) {
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map((kind) => {
    mkdirSync(join(page.folder, kind));
    return `${kind}_temp_path ${join(page.folder, kind)};`;
  });
  const published = adapt(readFileSync(join(docs, 'nginx.conf'), 'utf8'))
    .replace('listen 443 ssl;', `listen 127.0.0.1:${page.port};`)
    .replace('server_name shop.example;', 'server_name shop.localhost;');
  const user = process.getuid() === 0 ? 'user root;' : '';
  const config = join(page.folder, 'nginx.conf');
  writeFileSync(config, `
    ${user} daemon off; worker_processes 1; pid ${join(page.folder, 'pid')}; error_log stderr;
    events {}
    http { access_log off; ${temporary.join(' ')} ${published} }`);
  const log = join(page.folder, 'error.log');
  const command = process.env.VESTIBULE_NGINX ?? '/usr/sbin/nginx';
  return new Program(`nginx-${name}`, command, ['-e', log, '-p', page.folder, '-c', config]);
}

function startCaddy(page, name, adapt) {
  const published = adapt(readFileSync(join(docs, 'Caddyfile'), 'utf8'))
    .replace('\nshop.example {', `\nhttp://${page.host} {\n\tbind 127.0.0.1`);
  const config = join(page.folder, 'Caddyfile');
  writeFileSync(config, `{\n\tadmin off\n\tauto_https off\n}\n${published}`);
  const env = { HOME: page.folder, XDG_DATA_HOME: page.folder, XDG_CONFIG_HOME: page.folder };
  return new Program(`caddy-${name}`, 'caddy', ['run', '--adapter', 'caddyfile', '--config', config], { env });
}
