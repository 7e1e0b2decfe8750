// The rows of a house on SQLite, changed behind its back: states that no verb can bring about in a short test.
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { promisify } from 'node:util';

const run = promisify(execFile);

export class Rows {
  constructor(file) {
    this.file = file;
  }

  /** Runs statements; waits for the house's own writes to end. */
  async change(sql) {
    await run('sqlite3', ['-cmd', '.timeout 5000', this.file, sql]);
  }

  /** Keeps everybody else from writing until the answered function is called. */
  async hold() {
    const holder = spawn('sqlite3', ['-batch', this.file], { stdio: ['pipe', 'pipe', 'inherit'] });
    holder.stdin.write('.timeout 5000\nBEGIN IMMEDIATE;\nSELECT 1;\n');
    await once(holder.stdout, 'data');
    return async () => {
      holder.stdin.end('ROLLBACK;\n');
      await once(holder, 'exit');
    };
  }
}
