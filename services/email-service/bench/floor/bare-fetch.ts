/**
 * The floor under ingest: bare imapflow reads a whole folder once, and parses each message with simpleParser when asked to.
 *
 *     node bare-fetch.js '{"host":…,"port":…,"user":…,"password":…,"parses":true}'
 *
 * Prints `{"messages","bytes","ms","cpuMs"}`: from the open folder to the last message.
 */
import { ImapFlow } from 'imapflow';
import { simpleParser } from 'mailparser';

export interface BareFetchOptions {
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly password: string;
  readonly parses: boolean;
}

export interface BareFetchResult {
  readonly messages: number;
  readonly bytes: number;
  readonly ms: number;
  readonly cpuMs: number;
}

const options = JSON.parse(process.argv[2] ?? '{}') as BareFetchOptions;
const client = new ImapFlow({
  host: options.host,
  port: options.port,
  secure: false,
  doSTARTTLS: false,
  auth: { user: options.user, pass: options.password },
  logger: false,
  disableAutoIdle: true,
});
client.on('error', (error) => {
  throw error;
});
await client.connect();
await client.mailboxOpen('INBOX', { readOnly: true });
const begunMs = performance.now();
const cpu = process.cpuUsage();
let messages = 0;
let bytes = 0;
for await (const message of client.fetch('1:*', { uid: true, source: true, internalDate: true })) {
  messages += 1;
  bytes += message.source?.length ?? 0;
  if (options.parses && message.source !== undefined) await simpleParser(message.source);
}
const { user, system } = process.cpuUsage(cpu);
const result: BareFetchResult = {
  messages,
  bytes,
  ms: performance.now() - begunMs,
  cpuMs: (user + system) / 1000,
};
process.stdout.write(`${JSON.stringify(result)}\n`);
await client.logout();
