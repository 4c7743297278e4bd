/**
 * Hands mail to an LMTP (RFC 2033) or SMTP (RFC 5321) server, byte for byte: no client library, because those mend line
 * ends and headers, and broken mail is what tests need.
 */
import { connect, type Socket } from 'node:net';

export interface Delivery {
  readonly host: string;
  readonly port: number;
  readonly from: string;
  readonly to: string | readonly string[];
  /** Only dots at line starts are doubled (RFC 5321 section 4.5.2) and a missing last CRLF is added, as the protocol needs. */
  readonly raw: Uint8Array;
  /** Default LMTP. */
  readonly protocol?: 'lmtp' | 'smtp';
}

/** Resolves at the 250 that ends it. @throws Error naming the command and the reply that refused it. */
export async function deliver(delivery: Delivery): Promise<void> {
  const session = await openDelivery(delivery);
  try {
    await session.send(delivery);
  } finally {
    session.close();
  }
}

/** A connection for many messages, one after the other. */
export interface DeliverySession {
  send(message: Pick<Delivery, 'from' | 'to' | 'raw'>): Promise<void>;
  close(): void;
}

export async function openDelivery(
  server: Pick<Delivery, 'host' | 'port' | 'protocol'>,
): Promise<DeliverySession> {
  const isLmtp = (server.protocol ?? 'lmtp') === 'lmtp';
  const socket = connect({ host: server.host, port: server.port, noDelay: true });
  const replies = readReplies(socket);
  const command = async (line: string | Uint8Array, name: string): Promise<void> => {
    socket.write(line);
    await expectSuccess(replies, name);
  };
  try {
    await expectSuccess(replies, 'greeting');
    await command(`${isLmtp ? 'LHLO' : 'EHLO'} localhost\r\n`, 'LHLO');
  } catch (error) {
    socket.destroy();
    throw error;
  }
  return {
    send: async ({ from, to, raw }) => {
      const recipients = typeof to === 'string' ? [to] : to;
      await command(`MAIL FROM:<${from}>\r\n`, 'MAIL');
      for (const recipient of recipients) await command(`RCPT TO:<${recipient}>\r\n`, 'RCPT');
      await command('DATA\r\n', 'DATA');
      socket.write(stuffed(raw));
      // LMTP answers once for each recipient.
      for (let n = 0; n < (isLmtp ? recipients.length : 1); n += 1) await expectSuccess(replies, 'message');
    },
    close: () => {
      socket.end('QUIT\r\n');
      socket.destroySoon();
    },
  };
}

async function expectSuccess(replies: AsyncIterator<string>, name: string): Promise<void> {
  const { value, done } = await replies.next();
  if (done === true) throw new Error(`${name}: the server closed the connection`);
  if (!/^[23]/.test(value)) throw new Error(`${name} was refused: ${value}`);
}

/** One string per reply; continuation lines (`250-`) are joined. */
async function* readReplies(socket: Socket): AsyncGenerator<string, void, void> {
  let pending = '';
  for await (const chunk of socket) {
    pending += String(chunk);
    for (;;) {
      const reply = /^(?:\d{3}-[^\n]*\n)*\d{3}(?: [^\n]*)?\n/.exec(pending)?.[0];
      if (reply === undefined) break;
      pending = pending.slice(reply.length);
      yield reply.trimEnd();
    }
  }
}

const DOT = 0x2e;
const LF = 0x0a;

function stuffed(raw: Uint8Array): Buffer {
  const parts: Uint8Array[] = [];
  let from = 0;
  for (let at = 0; at < raw.length; at += 1) {
    if (raw[at] !== DOT || (at > 0 && raw[at - 1] !== LF)) continue;
    parts.push(raw.subarray(from, at), Uint8Array.of(DOT));
    from = at;
  }
  const hasEnd = raw.length === 0 || (raw.at(-1) === LF && raw.at(-2) === 0x0d);
  parts.push(raw.subarray(from), Buffer.from(hasEnd ? '.\r\n' : '\r\n.\r\n'));
  return Buffer.concat(parts);
}
