// `vestibule demo` on free ports: three parts, and everything that it printed.
import { resolve } from 'node:path';

import { Program, until } from './process.js';

/** Who works at the company of the demo, as the documentation says. */
export const EMPLOYEE = { email: 'employee@acme.test', name: 'Erin Employee', password: 'vestibule-demo-2026' };

export class Demo {
  static async start(name) {
    const demo = new Demo();
    demo.program = new Program(`demo-${name}`, resolve(process.env.VESTIBULE_BINARY), ['demo', '--port', '0']);
    const said = await until('the demo says that it is ready', () => {
      if (demo.program.how) throw new Error(`the demo ended: ${demo.program.how}\n${demo.program.lastWords()}`);
      const words = demo.program.lastWords();
      return words.includes('Ctrl-C') && words;
    }, { seconds: 60 });
    const address = (who) => new URL(said.match(new RegExp(`^ *${who} +(http\\S+)`, 'm'))[1]).origin;
    Object.assign(demo, { said, shop: address('Shop'), vestibule: address('Vestibule'), acme: address('Acme') });
    return demo;
  }

  stop() {
    return this.program.stop();
  }
}
