// A mail server that keeps what it is given and lets a test wait for it.
import PostalMime from 'postal-mime';
import { SMTPServer } from 'smtp-server';

import { until } from './process.js';

export class MailSink {
  static async start(port = 0) {
    const sink = new MailSink();
    sink.mails = [];
    sink.server = new SMTPServer({
      authOptional: true,
      disabledCommands: ['STARTTLS', 'AUTH'],
      onData: (stream, session, done) => sink.keep(stream, session).then(() => done(), done),
    });
    await new Promise((resolve, reject) => {
      sink.server.once('error', reject);
      sink.server.listen(port, '127.0.0.1', resolve);
    });
    sink.port = sink.server.server.address().port;
    return sink;
  }

  get url() {
    return `smtp://127.0.0.1:${this.port}`;
  }

  async keep(stream, session) {
    const chunks = [];
    for await (const chunk of stream) chunks.push(chunk);
    const mail = await PostalMime.parse(Buffer.concat(chunks));
    const to = session.envelope.rcptTo.map((recipient) => recipient.address);
    this.mails.push({ to, subject: mail.subject, text: mail.text ?? '', html: mail.html ?? '' });
  }

  /** The newest mail to an address, taken out; waits for one to come. */
  take(address) {
    return until(`a mail to ${address}`, () => {
      const index = this.mails.findLastIndex((mail) => mail.to.includes(address));
      return index < 0 ? undefined : this.mails.splice(index, 1)[0];
    }, { seconds: 20 });
  }

  stop() {
    return new Promise((resolve) => this.server.close(resolve));
  }
}

/** The first link in a mail that leads to `base`. */
export function linkIn(mail, base) {
  const start = mail.text.indexOf(base);
  if (start < 0) throw new Error(`no link to ${base} in: ${mail.text}`);
  return mail.text.slice(start).match(/^\S+/)[0];
}
