/** Peak memory of the daemon with one message of 500 MB, and with many of 25 MB at once. Bytes are delivered, not imagined. */
import { readFile } from 'node:fs/promises';
import { expect, it } from 'vitest';
import { openDelivery } from '@mailstream/shared/testing/deliver';
import { useDovecot } from '@mailstream/shared/testing/fixtures';
import { isWatching, startDaemon, useWorld, type Daemon } from '../test/daemon.ts';

const world = await useWorld();
const dovecot = useDovecot();
const MAILBOXES = 40;

async function peakMib(daemon: Daemon): Promise<number> {
  const status = await readFile(`/proc/${daemon.pid}/status`, 'utf8');
  return Math.round(Number(/VmHWM:\s+(\d+) kB/.exec(status)?.[1]) / 1024);
}

function mailOf(bytes: number): Buffer {
  const head =
    'From: a@example.com\r\nSubject: large\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Type: text/plain\r\n\r\nsee attachment\r\n--b\r\nContent-Type: application/octet-stream; name=x.bin\r\nContent-Transfer-Encoding: base64\r\n\r\n';
  const line = `${'QUJD'.repeat(19)}\r\n`;
  return Buffer.from(`${head}${line.repeat(Math.ceil(bytes / line.length))}--b--\r\n`);
}

async function send(user: string, raw: Buffer): Promise<void> {
  const session = await openDelivery({ host: dovecot.host, port: dovecot.lmtpPort });
  await session.send({ from: 'a@example.com', to: `${user}@example.com`, raw });
  session.close();
}

it('memory', { timeout: 600_000 }, async () => {
  const env = {
    ...world.env,
    IMAP_MAX_ATTACHMENT_BYTES: '0',
    IMAP_MAX_TOTAL_ATTACHMENT_BYTES: '0',
    IMAP_MAX_RAW_MIME_BYTES: '0',
    LOG_LEVEL: 'debug',
  };
  const users = Array.from({ length: MAILBOXES }, () => dovecot.newUser());
  const providers = [];
  for (const username of users)
    providers.push(
      await world.addProvider({
        host: dovecot.host,
        port: dovecot.port,
        username,
        password: dovecot.password,
      }),
    );
  const daemon = startDaemon(env);
  for (const provider of providers) await daemon.waitForLog(isWatching('INBOX', provider.id));
  const idle = await peakMib(daemon);
  await send(users[0] ?? '', mailOf(500 * 1024 * 1024));
  await world.entries(1);
  const one = await peakMib(daemon);
  const raw = mailOf(25 * 1024 * 1024);
  for (const user of users) await send(user, raw);
  await world.entries(1 + MAILBOXES);
  console.table({
    [`${MAILBOXES} idle`]: { 'peak MiB': idle },
    'one of 500 MB': { 'peak MiB': one },
    [`${MAILBOXES} of 25 MB`]: { 'peak MiB': await peakMib(daemon) },
  });
  for (const line of daemon.lines)
    if (line.level === 'warn' || line.level === 'error') console.log(JSON.stringify(line).slice(0, 300));
  expect(await daemon.stop()).toBe(0);
});
