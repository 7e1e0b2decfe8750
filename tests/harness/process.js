// Starts programs in a process group of their own, waits until they answer, and stops them by that group's id.
import { spawn } from 'node:child_process';
import { closeSync, mkdirSync, openSync, readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const testsDir = dirname(dirname(fileURLToPath(import.meta.url)));

/** Screenshots and logs of the run; outside the sources, ignored by git. */
export const outputDir = process.env.VESTIBULE_TEST_OUTPUT ?? join(dirname(testsDir), 'target', 'browser');

const running = new Set();

// Asked to stop: everything that was started is asked too. Dying otherwise: nothing is left behind.
for (const signal of ['SIGINT', 'SIGTERM']) {
  process.once(signal, () => stopAll().finally(() => process.exit(130)));
}
process.on('exit', () => {
  for (const program of running) signalGroup(program.child, 'SIGKILL');
});

function stopAll() {
  return Promise.all([...running].map((program) => program.stop()));
}

function signalGroup(child, signal) {
  try {
    process.kill(-child.pid, signal);
  } catch (error) {
    if (error.code !== 'ESRCH') throw error;
  }
}

/** Ports that this run has named: whoever asked for one may not listen on it yet. */
const named = new Set();

/** A port that nobody listens on at this moment; the preferred one if it may be. */
export function freePort(preferred = 0) {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', (error) => (preferred ? resolve(freePort()) : reject(error)));
    server.listen(preferred, '127.0.0.1', () => {
      const { port } = server.address();
      const taken = named.has(port);
      named.add(port);
      server.close(() => resolve(taken ? freePort() : port));
    });
  });
}

export function sleep(milliseconds) {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}

/** Calls `check` until it answers something true; fails with `what` when that takes too long. */
export async function until(what, check, { seconds = 10, every = 50 } = {}) {
  const deadline = Date.now() + seconds * 1000;
  for (;;) {
    const answer = await check();
    if (answer) return answer;
    if (Date.now() > deadline) throw new Error(`waited ${seconds} s in vain: ${what}`);
    await sleep(every);
  }
}

/** Whether an address answers 200. */
export async function answers(url) {
  try {
    const response = await fetch(url, { redirect: 'manual', signal: AbortSignal.timeout(2000) });
    await response.arrayBuffer();
    return response.status === 200;
  } catch {
    return false;
  }
}

/** Starts a program; what it prints goes to a log file in the output folder. */
export class Program {
  constructor(name, command, args, { env = {}, cwd } = {}) {
    this.name = name;
    this.log = join(outputDir, 'logs', `${name}.log`);
    mkdirSync(dirname(this.log), { recursive: true });
    const log = openSync(this.log, 'a');
    this.child = spawn(command, args, {
      cwd,
      detached: true,
      env: { ...process.env, ...env },
      stdio: ['ignore', log, log],
    });
    closeSync(log);
    running.add(this);
    this.ended = new Promise((resolve) => {
      this.child.once('error', (error) => resolve(error.message));
      this.child.once('exit', (code, signal) => resolve(`exit ${code ?? signal}`));
    }).then((how) => {
      running.delete(this);
      this.how = how;
    });
  }

  /** Waits until `url` answers; fails with the program's last words if it ends or takes too long. */
  async ready(url, seconds) {
    try {
      await until(`${this.name} answers at ${url}`, () => {
        if (this.how) throw new Error(`${this.name} ended: ${this.how}`);
        return answers(url);
      }, { seconds });
    } catch (error) {
      throw new Error(`${error.message}\n${this.lastWords()}`);
    }
  }

  /** The end of what it printed. */
  lastWords() {
    return readFileSync(this.log, 'utf8').split('\n').slice(-40).join('\n');
  }

  async stop() {
    if (this.how) return;
    signalGroup(this.child, 'SIGTERM');
    const killer = setTimeout(() => signalGroup(this.child, 'SIGKILL'), 10_000);
    await this.ended;
    clearTimeout(killer);
  }
}
