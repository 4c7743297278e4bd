/** A message that the daemon gave up on, and that somebody asked to try again over the API. */
import { expect, it } from 'vitest';
import { startScriptedImap } from '@mailstream/shared/testing/scripted-imap';
import { isWatching, startDaemon, useWorld } from './daemon.ts';

const world = await useWorld();

it('is read from storage and published once, at the next look at its folder, without a restart', async () => {
  const server = await startScriptedImap();
  const provider = await world.addProvider({
    ...{ host: server.host, port: server.port, username: 'u', password: 'secret' },
  });
  const daemon = startDaemon(world.env);
  try {
    await daemon.waitForLog(isWatching('INBOX', provider.id));
    for (const subject of ['given up on', 'fine'])
      server.deliver('INBOX', `Subject: ${subject}\r\n\r\n${subject}`);
    const [first] = await world.entries(2);
    const eventId = first?.fields['event_id'] ?? '';
    // As a parser that was killed leaves it: recorded, never numbered, never in the stream.
    await world.redis.xdel(world.stream, first?.id ?? '');
    await world.sql(
      `UPDATE inbound_messages SET status = 'dead_letter', reason = 'PARSER_KILLED', publish_seq = 0, stream_entry_id = NULL, published_at = NULL
        WHERE event_id = $1`,
      [eventId],
    );
    // As the API answers a replay.
    await world.sql(
      `UPDATE inbound_messages SET status = 'published', reason = NULL, publish_seq = greatest(publish_seq, 1), stream_entry_id = NULL, published_at = now()
        WHERE event_id = $1`,
      [eventId],
    );
    const [config] = await world.sql<{ audit_version: number }>(
      'SELECT audit_version FROM imap_email_provider_config WHERE email_provider_id = $1',
      [provider.id],
    );
    await world.changeProvider(provider, 'imap_email_provider_config', {
      audit_version: Number(config?.audit_version) + 1,
      audit_requested_at: new Date(),
    });
    await expect
      .poll(() => world.sql('SELECT 1 FROM folder_status WHERE audit_version > 0'), { timeout: 20_000 })
      .toHaveLength(1);
    // The next look at the folder, whatever the reason for it.
    server.deliver('INBOX', 'Subject: later\r\n\r\nlater');
    const entries = await world.entries(3);
    expect(entries.map(({ payload }) => payload.emailData.subject)).toEqual(['fine', 'given up on', 'later']);
    expect(entries[1]?.fields['event_id']).toBe(eventId);
    await expect
      .poll(() => world.sql('SELECT status FROM inbound_messages WHERE event_id = $1', [eventId]), {
        timeout: 20_000,
      })
      .toEqual([{ status: 'published' }]);
  } finally {
    expect(await daemon.stop()).toBe(0);
    await server.close();
  }
});
