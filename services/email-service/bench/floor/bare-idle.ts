/**
 * The floor under listeners and cold start: bare imapflow clients that open a folder and idle, all in this process.
 *
 *     node bare-idle.js '{"host":…,"port":…,"usersFile":…,"password":…,"atOnce":100}'
 *
 * Prints a line when all idle, and stays until its standard input ends.
 */
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { ImapFlow } from 'imapflow';

export interface BareIdleOptions {
  readonly host: string;
  readonly port: number;
  /** In which the users stand, one a line: ten thousand are too long for a command line. */
  readonly usersFile: string;
  readonly password: string;
  /** Connections that are being made at the same time. */
  readonly atOnce: number;
}

const options = JSON.parse(process.argv[2] ?? '{}') as BareIdleOptions;
const users = (await readFile(options.usersFile, 'utf8')).split('\n').filter(Boolean);
const clients: ImapFlow[] = [];

async function idle(user: string): Promise<void> {
  const client = new ImapFlow({
    host: options.host,
    port: options.port,
    secure: false,
    doSTARTTLS: false,
    auth: { user, pass: options.password },
    logger: false,
    disableAutoIdle: true,
  });
  client.on('error', (error) => {
    throw error;
  });
  await client.connect();
  await client.mailboxOpen('INBOX', { readOnly: true });
  void client.idle();
  clients.push(client);
}

let next = 0;
const lane = async (): Promise<void> => {
  for (let user = users[next]; user !== undefined; user = users[next]) {
    next += 1;
    await idle(user);
  }
};
await Promise.all(Array.from({ length: options.atOnce }, lane));
process.stdout.write('{}\n');
process.stdin.resume();
await once(process.stdin, 'end');
process.exit(0);
