/** Asking for older mail: what the daemon finds in the rows, and what people see of its answer. */
import { expect, test } from 'vitest';
import type { Provider } from '../src/contracts/providers.ts';
import { useServer, type Answer } from './harness.ts';
import { providerBody } from './provider-bodies.ts';

const { call, owner, mailServer } = await useServer();

const START = { kind: 'last', count: 50 };

async function newProvider(): Promise<string> {
  return (await call('POST', '/api/email/providers', { body: providerBody() })).json.id ?? '';
}

const resync = (id: string, body: object): Promise<Answer> =>
  call('POST', `/api/email/providers/${id}/resync`, { body });

async function rowsOf(id: string): Promise<unknown[]> {
  const { rows } = await owner.query(
    `SELECT folder, version::int, is_dry_run AS dry, start_from AS start, answered_version::int AS answered
       FROM folder_resyncs WHERE provider_id = $1 ORDER BY folder`,
    [id],
  );
  return rows as unknown[];
}

async function versionOf(id: string): Promise<unknown> {
  const { rows } = await owner.query<{ version: number }>(
    'SELECT resync_version::int AS version FROM imap_email_provider_config WHERE email_provider_id = $1',
    [id],
  );
  return rows[0]?.version;
}

test('counts first unless told otherwise, for every watched folder', async () => {
  const id = await newProvider();
  expect(await resync(id, { startFrom: START })).toMatchObject({
    status: 202,
    json: { providerId: id, version: 1, isDryRun: true, folders: ['INBOX', 'Support/Kunden'] },
  });
  const row = { version: 1, dry: true, start: START, answered: 0 };
  expect(await rowsOf(id)).toEqual([
    { folder: 'INBOX', ...row },
    { folder: 'Support/Kunden', ...row },
  ]);
  const { json } = await call('GET', `/api/email/providers/${id}`);
  expect(json.folders?.[0]).toMatchObject({ resync: { isPending: true, isDryRun: true, result: null } });
  const { rows } = await owner.query(
    `SELECT 1 FROM audit_log WHERE subject_id = $1 AND action = 'provider.resynced'`,
    [id],
  );
  expect(rows).toEqual([]);
});

test('shows what the daemon answered: what would come, then what came', async () => {
  const id = await newProvider();
  const answer = (came: number): Promise<unknown> =>
    owner.query(
      `UPDATE folder_resyncs SET answered_version = version, answered_at = now(), answered_dry_run = is_dry_run,
              listed = 50, known = 20, came = $2, missing = 1 WHERE provider_id = $1 AND folder = 'INBOX'`,
      [id, came],
    );
  const shown = async (): Promise<unknown> =>
    (JSON.parse((await call('GET', `/api/email/providers/${id}`)).text) as Provider).folders[0]?.resync;
  await resync(id, { startFrom: START, folders: ['inbox'] });
  await answer(0);
  expect(await shown()).toMatchObject({ isPending: false, result: { listed: 50, known: 20, fetched: 30 } });
  expect(await resync(id, { startFrom: START, folders: ['INBOX'], dryRun: false })).toMatchObject({
    status: 202,
  });
  expect(await shown()).toMatchObject({ version: 2, isPending: true, isDryRun: false, result: null });
  await answer(29);
  expect(await shown()).toMatchObject({ isPending: false, result: { fetched: 29, missing: 1 } });
  const { rows } = await owner.query(
    `SELECT after FROM audit_log WHERE subject_id = $1 AND action = 'provider.resynced'`,
    [id],
  );
  expect(rows).toEqual([{ after: { startFrom: START, folders: ['INBOX'] } }]);
});

test('refuses what nobody could do, and leaves nothing behind', async () => {
  const id = await newProvider();
  expect(await resync(id, { startFrom: START, folders: ['Archive'] })).toMatchObject({
    status: 400,
    json: { error: { fields: [{ field: 'folders', message: 'Not watched: Archive.' }] } },
  });
  for (const body of [
    {},
    { startFrom: { kind: 'now' } },
    { startFrom: { kind: 'last', count: 0 } },
    { startFrom: { kind: 'since', date: 'yesterday' } },
    { startFrom: START, folders: [] },
    { startFrom: START, uid: 1 },
  ])
    expect.soft(await resync(id, body)).toMatchObject({ status: 400 });
  await call('POST', `/api/email/providers/${id}/pause`, { body: {} });
  expect(await resync(id, { startFrom: START })).toMatchObject({ status: 409 });
  expect(await rowsOf(id)).toEqual([]);
  expect(await versionOf(id)).toBe(0);
});

test('folders of settings that are not saved are listed with their counts', async () => {
  const { imap } = providerBody();
  const answer = await call('POST', '/api/email/providers/folders', { body: { imap } });
  expect(answer.json.items).toEqual([expect.objectContaining({ name: 'INBOX', messages: 3 })]);
  // Also where a folder of the settings is missing: that is what the list is looked at for.
  const { result } = mailServer;
  const failed = { outcome: 'failed' as const, code: 'IMAP_FOLDER_MISSING', message: 'x', hint: null };
  const step = { name: 'folders' as const, detail: null, durationMs: 1, ...failed };
  mailServer.result = { ...result, ok: false, steps: [...result.steps, step] };
  expect(await call('POST', '/api/email/providers/folders', { body: { imap } })).toMatchObject({
    status: 200,
  });
  mailServer.result = {
    ...result,
    ok: false,
    steps: [{ ...step, name: 'login', code: 'IMAP_AUTH_REJECTED' }],
  };
  expect(await call('POST', '/api/email/providers/folders', { body: { imap } })).toMatchObject({
    status: 422,
    json: { error: { code: 'IMAP_AUTH_REJECTED' } },
  });
  mailServer.result = result;
});
