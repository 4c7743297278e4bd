/** Positions that are taken over from another system, with the statement of the guide to moving: nothing is lost and nothing comes twice. */
import { deliver } from '@mailstream/shared/testing/deliver';
import { useDovecot } from '@mailstream/shared/testing/fixtures';
import { readFileSync } from 'node:fs';
import { ImapFlow } from 'imapflow';
import { expect, it } from 'vitest';
import { isWatching, startDaemon, useWorld } from './daemon.ts';

const world = await useWorld();
const dovecot = useDovecot();

/** As psql fills in `:'name'`. */
function statements(values: Readonly<Record<string, string>>): readonly string[] {
  const guide = readFileSync(new URL('../docs/moving.md', import.meta.url), 'utf8');
  const [, sql = ''] = /```sql\n([^`]+)```/.exec(guide) ?? [];
  return sql
    .replaceAll(/:'(\w+)'/g, (_, name: string) => `'${(values[name] ?? '').replaceAll("'", "''")}'`)
    .split(/;\n/)
    .map((statement) => statement.trim())
    .filter((statement) => statement !== '');
}

async function uidValidity(user: string): Promise<string> {
  const { host, port, password: pass } = dovecot;
  const client = new ImapFlow({
    host,
    port,
    secure: false,
    doSTARTTLS: false,
    auth: { user, pass },
    logger: false,
  });
  await client.connect();
  const { uidValidity: value } = await client.mailboxOpen('INBOX', { readOnly: true });
  await client.logout();
  return String(value);
}

it('a mailbox goes on exactly where the other system stopped', async () => {
  const user = dovecot.newUser();
  const mail = (n: number): Promise<unknown> =>
    deliver({
      host: dovecot.host,
      port: dovecot.lmtpPort,
      from: 'a@example.com',
      to: `${user}@example.com`,
      raw: Buffer.from(`From: a@example.com\r\nSubject: ${n}\r\nMessage-ID: <${n}@example.com>\r\n\r\nx\r\n`),
    });
  for (let n = 1; n <= 5; n += 1) await mail(n);
  const { host, port, password } = dovecot;
  const provider = await world.addProvider({ host, port, username: user, password });
  await world.changeProvider(provider, 'email_providers', { is_active: false });
  // As the predecessor keeps it: it had read three of the five.
  const positions = JSON.stringify({
    INBOX: { uid_validity: await uidValidity(user), last_uid: '3', last_seen_at: '2026-01-01T00:00:00.000Z' },
  });
  const values = { tenant: provider.tenant, provider: provider.id, positions };
  for (const statement of statements(values)) await world.sql(statement);

  const daemon = startDaemon(world.env);
  await world.changeProvider(provider, 'email_providers', { is_active: true });
  await daemon.waitForLog(isWatching('INBOX', provider.id));
  await mail(6);
  const subjects = (await world.entries(3)).map(({ payload }) => payload.emailData.subject);
  expect(subjects).toEqual(['4', '5', '6']);
  expect(await daemon.stop()).toBe(0);

  // Written once more it changes nothing: the folder has a position of its own by now.
  const before = await world.sql('SELECT folder_state FROM imap_email_provider_config');
  for (const statement of statements(values)) await world.sql(statement);
  expect(await world.sql('SELECT folder_state FROM imap_email_provider_config')).toEqual(before);
});
