/** From a real mail server to the stream, through the real daemon process. */
import { afterEach, describe, expect, it } from 'vitest';
import { deliver } from '@mailstream/shared/testing/deliver';
import { useDovecot } from '@mailstream/shared/testing/fixtures';
import { isWatching, startDaemon, useWorld, type Daemon } from './daemon.ts';

const world = await useWorld();
const dovecot = useDovecot();
let daemon: Daemon | null = null;

afterEach(async () => {
  if (daemon !== null) expect(await daemon.stop()).toBe(0);
  daemon = null;
});

function mail(subject: string, to: string): Uint8Array {
  return Buffer.from(
    `From: Ann <ann@example.com>\r\nTo: ${to}\r\nSubject: ${subject}\r\nMessage-ID: <${subject}@example.com>\r\n\r\nHello ${subject}\r\n`,
  );
}

describe('ingest from Dovecot', () => {
  it('turns a message that arrives while watching into one event', async () => {
    const user = dovecot.newUser();
    await world.addProvider({
      host: dovecot.host,
      port: dovecot.port,
      username: user,
      password: dovecot.password,
    });
    daemon = startDaemon(world.env);
    await daemon.waitForLog(isWatching());
    await deliver({
      host: dovecot.host,
      port: dovecot.lmtpPort,
      from: 'ann@example.com',
      to: `${user}@example.com`,
      raw: mail('first', user),
    });
    const [entry] = await world.entries(1);
    expect(entry?.payload.emailData).toMatchObject({
      id: '<first@example.com>',
      subject: 'first',
      folder: 'INBOX',
    });
    const { port } = await daemon.waitForLog(({ message }) => message === 'health and metrics are served');
    const metrics = await (await fetch(`http://127.0.0.1:${String(port)}/metrics`)).text();
    for (const sample of [
      'imap_connections',
      'imap_connects_total{result="connected"}',
      'imap_connect_seconds_count{result="connected"}',
      'fetch_seconds_count{result="done"}',
      'parse_seconds_count{result="done"}',
      'record_seconds_count{result="stored"}',
      'publish_seconds_count{result="done"}',
      'message_size_bytes_count',
      'visible_to_published_seconds_count',
      'messages_total{result="received"}',
      'messages_total{result="published"}',
    ])
      expect(metrics).toContain(`\nmailstream_${sample} 1\n`);
  });
});
