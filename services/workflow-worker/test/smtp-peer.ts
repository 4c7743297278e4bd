/** A mail server that takes our mail, or does with it what a test wants. */
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { SMTPServer } from 'smtp-server';
import { afterAll } from 'vitest';

export interface TakenMail {
  /** Empty for the null return path. */
  readonly from: string;
  readonly to: readonly string[];
  readonly raw: string;
  /** Unfolded, by lower-case name; the first of a name. */
  header(name: string): string;
}

export type Step = 'MAIL' | 'RCPT' | 'DATA';
/** Null goes on; a number is the answer; `cut` ends the connection without one (at DATA after the mail was read). */
export type Answer = number | 'cut' | 'hang' | null;

export interface SmtpPeer {
  readonly port: number;
  /** Mails that were read to their end, whatever was answered then. */
  readonly read: readonly TakenMail[];
  /** Mails that were answered with 250. */
  readonly taken: readonly TakenMail[];
  /** Asked at each step; by default everything is taken. */
  answer: (step: Step, address: string) => Answer;
  close(): Promise<void>;
}

export async function startSmtpPeer(): Promise<SmtpPeer> {
  const read: TakenMail[] = [];
  const taken: TakenMail[] = [];
  const sockets = new Set<{ destroy(): void }>();

  const settle = (
    answer: Answer,
    connection: { destroy(): void } | undefined,
    callback: (error?: Error | null) => void,
  ): void => {
    if (answer === null) return callback();
    if (answer === 'cut') return connection?.destroy();
    if (answer === 'hang') return;
    callback(Object.assign(new Error('5.1.1 refused by the test'), { responseCode: answer }));
  };
  const server = new SMTPServer({
    authOptional: true,
    disabledCommands: ['STARTTLS', 'AUTH'],
    logger: false,
    closeTimeout: 100,
    onMailFrom: (address, session, callback) =>
      settle(peer.answer('MAIL', address.address), socketOf(session), callback),
    onRcptTo: (address, session, callback) =>
      settle(peer.answer('RCPT', address.address), socketOf(session), callback),
    onData: (stream, session, callback) => {
      const chunks: Buffer[] = [];
      stream.on('data', (chunk: Buffer) => chunks.push(chunk));
      stream.on('end', () => {
        const { mailFrom, rcptTo } = session.envelope;
        const mail = mailOf(
          mailFrom === false ? '' : mailFrom.address,
          rcptTo.map(({ address }) => address),
          Buffer.concat(chunks).toString('utf8'),
        );
        read.push(mail);
        const answer = peer.answer('DATA', mail.to[0] ?? '');
        if (answer === null) taken.push(mail);
        settle(answer, socketOf(session), callback);
      });
    },
  });
  const bySession = new Map<string, { destroy(): void }>();
  const socketOf = (session: { id: string }): { destroy(): void } | undefined => bySession.get(session.id);
  server.on('error', () => undefined);
  server.server.on('connection', (socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined);
    socket.once('close', () => sockets.delete(socket));
  });
  // smtp-server hands no socket to its handlers: the session's port tells which one it is.
  server.onConnect = (session, callback) => {
    const socket = [...sockets].find(
      (one) => (one as unknown as AddressInfo & { remotePort: number }).remotePort === session.remotePort,
    );
    if (socket !== undefined) bySession.set(session.id, socket);
    callback();
  };
  server.listen(0, '127.0.0.1');
  await once(server.server, 'listening');
  const peer: SmtpPeer = {
    port: (server.server.address() as AddressInfo).port,
    read,
    taken,
    answer: () => null,
    close: async () => {
      for (const socket of sockets) socket.destroy();
      await new Promise<void>((resolve) => server.close(resolve));
    },
  };
  afterAll(() => peer.close());
  return peer;
}

function mailOf(from: string, to: readonly string[], raw: string): TakenMail {
  const [head = ''] = raw.split('\r\n\r\n', 1);
  const fields = head.replaceAll(/\r\n[ \t]+/g, ' ').split('\r\n');
  return {
    from,
    to,
    raw,
    header: (name) =>
      fields
        .find((field) => field.toLowerCase().startsWith(`${name.toLowerCase()}:`))
        ?.slice(name.length + 1)
        .trim() ?? '',
  };
}
