/** What people see of mailboxes, written on a real PostgreSQL: each its own, though many say something at the same moment. */
import { afterAll, expect, it } from 'vitest';
import { createDatabase } from '@mailstream/shared/db/database';
import { instanceId, type TenantId } from '@mailstream/shared/domain/ids';
import { createPgHealthStore } from '../src/adapters/pg-provider-source.ts';
import type { HealthStore } from '../src/ports/folder-status.ts';
import type { ProviderRef } from '../src/ports/leases.ts';
import { useWorld } from './daemon.ts';

type Health = Parameters<HealthStore['report']>[2];

const world = await useWorld();
const database = createDatabase({ url: world.database.url, applicationName: 'health', poolMax: 4 });
afterAll(() => database.close());
const store = createPgHealthStore(database);

const TERM = { owner: instanceId('00000000-0000-4000-a000-000000000001'), epoch: 5 };
const CONNECTED: Health = {
  status: 'connected',
  errorCode: null,
  errorMessage: null,
  folders: { INBOX: { state: 'watching', code: null, since: '2026-01-01T00:00:00.000Z' } },
  capabilities: ['IMAP4rev1', 'IDLE'],
  inSync: true,
};
const REJECTED: Health = {
  ...CONNECTED,
  status: 'error',
  errorCode: 'IMAP_AUTH_REJECTED',
  errorMessage: 'The server rejects the password.',
  capabilities: null,
  inSync: false,
};

async function heldProviders(count: number): Promise<readonly ProviderRef[]> {
  let tenant: TenantId | undefined;
  const refs: ProviderRef[] = [];
  for (let n = 0; n < count; n += 1) {
    const added = await world.addProvider({ host: 'h', port: 1, username: 'u', password: 'p' }, tenant);
    ({ tenant } = added);
    refs.push({ tenant: added.tenant, id: added.id });
  }
  await world.sql(
    `UPDATE imap_email_provider_config SET lease_owner = $1, lease_epoch = 5, lease_expires_at = now() + interval '1 hour'
      WHERE tenant = $2`,
    [TERM.owner, tenant],
  );
  return refs;
}

const seen = (refs: readonly ProviderRef[]) =>
  world.sql<Record<string, unknown>>(
    `SELECT p.status, p.error_code AS code, p.error_at IS NOT NULL AS has_error_time, p.last_sync_at IS NOT NULL AS has_synced,
            p.auth_failure_count AS failures, p.auth_failure_code AS failure, c.server_capabilities AS capabilities,
            c.folder_health -> 'INBOX' ->> 'state' AS inbox
       FROM unnest(CAST($1 AS uuid[])) WITH ORDINALITY AS asked (id, place)
       JOIN email_providers p ON p.id = asked.id
       JOIN imap_email_provider_config c ON c.email_provider_id = p.id
      ORDER BY asked.place`,
    [refs.map(({ id }) => id)],
  );

it('is each one’s own; a capability that cannot be stored silences only its own mailbox', async () => {
  const refs = await heldProviders(5);
  const says = (at: number, health: Health, epoch = TERM.epoch): Promise<void> => {
    const ref = refs[at];
    if (ref === undefined) throw new Error('no such mailbox');
    return store.report(ref, { ...TERM, epoch }, health);
  };
  const outcomes = await Promise.allSettled([
    says(0, CONNECTED),
    says(1, REJECTED),
    says(2, { ...CONNECTED, capabilities: ['X-\u0000'] }),
    says(3, CONNECTED, 4),
    says(4, CONNECTED),
  ]);
  expect(outcomes.map(({ status }) => status)).toEqual([
    'fulfilled',
    'fulfilled',
    'rejected',
    'fulfilled',
    'fulfilled',
  ]);
  const connected = {
    ...{ status: 'connected', code: null, has_error_time: false, has_synced: true },
    ...{ failures: 0, failure: null, capabilities: ['IMAP4rev1', 'IDLE'], inbox: 'watching' },
  };
  const rows = await seen(refs);
  expect(rows[0]).toEqual(connected);
  expect(rows[1]).toMatchObject({
    ...{ status: 'error', code: 'IMAP_AUTH_REJECTED', has_error_time: true, has_synced: false },
    ...{ failures: 1, failure: 'IMAP_AUTH_REJECTED' },
  });
  for (const silent of [2, 3]) expect(rows[silent]).toMatchObject({ code: null, inbox: null });
  expect(rows[4]).toEqual(connected);
});

it('counts logins that were refused until one is not, and keeps what nobody has said anew', async () => {
  const [ref] = await heldProviders(1);
  if (ref === undefined) throw new Error('no mailbox');
  await store.report(ref, TERM, CONNECTED);
  await store.report(ref, TERM, REJECTED);
  await store.report(ref, TERM, REJECTED);
  const [refused] = await seen([ref]);
  expect(refused).toMatchObject({
    ...{ failures: 2, has_synced: true, capabilities: ['IMAP4rev1', 'IDLE'] },
  });
  await store.report(ref, TERM, CONNECTED);
  expect((await seen([ref]))[0]).toMatchObject({ failures: 0, failure: null, code: null });
});
