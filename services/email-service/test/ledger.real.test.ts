/** The ledger's statements on a real PostgreSQL: fenced, compared with what was read, right also after a wait for a lock. */
import { afterAll, describe, expect, it } from 'vitest';
import { createDatabase } from '@mailstream/shared/db/database';
import type { FolderState } from '@mailstream/shared/domain/folder-state';
import { instanceId, providerId, tenantId, type TenantId } from '@mailstream/shared/domain/ids';
import { createPgLedger } from '../src/adapters/pg-ledger.ts';
import type { FolderRef, Term } from '../src/ports/leases.ts';
import type { NewMessage } from '../src/ports/ledger.ts';
import { useWorld } from './daemon.ts';

const world = await useWorld();
const database = createDatabase({ url: world.database.url, applicationName: 'ledger', poolMax: 4 });
afterAll(() => database.close());
const ledger = createPgLedger(database);

const OWNER = instanceId('00000000-0000-4000-a000-000000000001');
const STATE: FolderState = {
  uidValidity: 7,
  baselineUid: 10,
  baselineDate: null,
  baselineTies: 0,
  lastUid: 10,
  holes: [],
  publishSeq: 0,
  revalidateUpTo: 0,
  lastSeenAt: null,
};

/** A folder whose lease we hold. */
async function heldFolder(known?: TenantId): Promise<{ readonly folder: FolderRef; readonly term: Term }> {
  const { tenant, id } = await world.addProvider({ host: 'h', port: 1, username: 'u', password: 'p' }, known);
  await world.sql(
    `UPDATE imap_email_provider_config SET lease_owner = $2, lease_epoch = 5, lease_expires_at = now() + interval '1 hour'
      WHERE email_provider_id = $1`,
    [id, OWNER],
  );
  const folder = { tenant: tenantId(tenant), id: providerId(id), folder: 'INBOX' };
  return { folder, term: { owner: OWNER, epoch: 5 } };
}

function message(uid: number): NewMessage {
  return {
    uid,
    messageId: `<${uid}>`,
    contentHash: `hash ${uid}`,
    size: 1,
    internalDate: new Date(0),
    emailId: null,
    sender: null,
    subject: null,
    storageKey: `key ${uid}`,
    status: 'received',
    reason: null,
  };
}

async function stateOf(folder: FolderRef): Promise<FolderState | null> {
  const { state } = await ledger.readFolder(folder, () => null);
  return state;
}

describe('a folder’s state', () => {
  it('is set only where the row holds what was read', async () => {
    const { folder, term } = await heldFolder();
    expect(await ledger.putFolderState(folder, term, STATE, null)).toEqual({ kind: 'stored' });
    // A baseline that was given up and lands late.
    expect(await ledger.putFolderState(folder, term, { ...STATE, lastUid: 20 }, null)).toEqual({
      kind: 'changed',
    });
    const renumbered = { ...STATE, uidValidity: 8, lastUid: 3 };
    expect(await ledger.putFolderState(folder, term, renumbered, { ...STATE, lastUid: 11 })).toEqual({
      kind: 'changed',
    });
    expect(await ledger.putFolderState(folder, term, renumbered, STATE)).toEqual({ kind: 'stored' });
    expect(await stateOf(folder)).toMatchObject({ uidValidity: 8, lastUid: 3 });
  });

  it('that is no whole cursor counts as none', async () => {
    const { folder, term } = await heldFolder();
    await world.sql(
      `UPDATE imap_email_provider_config SET folder_state = '{"INBOX": {"last_uid": "x"}}' WHERE email_provider_id = $1`,
      [folder.id],
    );
    expect(await ledger.putFolderState(folder, term, STATE, null)).toEqual({ kind: 'stored' });
  });

  it('never gives out a number twice, whatever is written', async () => {
    const { folder, term } = await heldFolder();
    await ledger.putFolderState(folder, term, STATE, null);
    expect(await ledger.raiseSequence(folder, term, 40)).toEqual({ kind: 'stored' });
    expect(await ledger.raiseSequence(folder, term, 30)).toEqual({ kind: 'stored' });
    await ledger.putFolderState(folder, term, { ...STATE, uidValidity: 8, publishSeq: 3 }, STATE);
    expect(await stateOf(folder)).toMatchObject({ uidValidity: 8, publishSeq: 40 });
  });

  it('is left alone by an owner whose term is over', async () => {
    const { folder, term } = await heldFolder();
    const old = { ...term, epoch: 4 };
    expect(await ledger.putFolderState(folder, old, STATE, null)).toEqual({ kind: 'fenced' });
    expect(await ledger.raiseSequence(folder, old, 9)).toEqual({ kind: 'fenced' });
    expect(await stateOf(folder)).toBeNull();
  });
});

describe('folders of one tenant that are read at the same moment', () => {
  it('are asked about together, and each is told of itself', async () => {
    const first = await heldFolder();
    const folders = Array.from({ length: 7 }, (_, n) => ({ ...first.folder, folder: `Folder ${n}` }));
    // Each with a cursor and rows of its own; the last has none, and is no less asked about.
    for (const [n, folder] of folders.slice(0, -1).entries()) {
      const state = { ...STATE, uidValidity: 100 + n };
      await ledger.putFolderState(folder, first.term, state, null);
      const uids = Array.from({ length: n }, (_each, place) => 11 + 10 * n + place);
      if (uids.length === 0) continue;
      await ledger.recordBatch(folder, first.term, {
        expected: state,
        state: { ...state, lastUid: uids.at(-1) ?? 0 },
        messages: uids.map(message),
        finished: uids,
      });
      await ledger.countAttempts(folder, first.term, state.uidValidity, [900 + n]);
    }
    const reading = (folder: FolderRef, n: number) =>
      ledger.readFolder(folder, () => ({ uidValidity: 100 + n, from: 1 }));
    const read = await Promise.all([...folders.entries()].map(([n, folder]) => reading(folder, n)));
    const outstanding = await Promise.all(folders.map((folder) => ledger.outstanding(folder)));
    for (const [n, { state, isBlank, known, unended }] of read.slice(0, -1).entries()) {
      expect(state).toMatchObject({ uidValidity: 100 + n });
      expect(known).toEqual(Array.from({ length: n }, (_each, place) => 11 + 10 * n + place));
      expect([...unended.keys()]).toEqual(n === 0 ? [] : [900 + n]);
      expect(isBlank).toBe(n === 0);
      expect(outstanding[n]).toMatchObject({ isUnpublished: n > 0, isUnprocessed: false });
    }
    expect(read.at(-1)).toEqual({ state: null, isBlank: true, known: [], unended: new Map() });
    expect(outstanding.at(-1)).toEqual({ publishSeq: null, isUnpublished: false, isUnprocessed: false });
  });
});

it('a folder of which anything is recorded is not blank, whatever its UIDVALIDITY was, and without a cursor', async () => {
  const isBlank = async (folder: FolderRef): Promise<boolean> =>
    (await ledger.readFolder(folder, () => null)).isBlank;
  const tried = await heldFolder();
  await ledger.countAttempts(tried.folder, tried.term, 3, [5]);
  expect(await isBlank(tried.folder)).toBe(false);
  expect(await isBlank({ ...tried.folder, folder: 'Other' })).toBe(true);
  const begun = await heldFolder();
  await ledger.putFolderState(begun.folder, begun.term, STATE, null);
  expect(await isBlank(begun.folder)).toBe(true);
  await ledger.recordBatch(begun.folder, begun.term, {
    expected: STATE,
    state: { ...STATE, lastUid: 11 },
    messages: [message(11)],
    finished: [11],
  });
  await world.sql('UPDATE imap_email_provider_config SET folder_state = $1 WHERE email_provider_id = $2', [
    '{}',
    begun.folder.id,
  ]);
  expect(await isBlank(begun.folder)).toBe(false);
  const { state, known } = await ledger.readFolder(begun.folder, () => ({
    uidValidity: STATE.uidValidity,
    from: 1,
  }));
  expect([state, known]).toEqual([null, [11]]);
});

describe('what folders of one tenant write at the same moment', () => {
  /** Folders whose first write is on its way: those of the others are gathered behind it. */
  async function crowd(count: number): Promise<Awaited<ReturnType<typeof heldFolder>>[]> {
    const first = await heldFolder();
    const folders = [first];
    for (let n = 1; n < count; n += 1) folders.push(await heldFolder(first.folder.tenant));
    return folders;
  }

  it('is each one’s own: stored, changed meanwhile or fenced', async () => {
    const folders = await crowd(5);
    const [, changed, fenced] = folders;
    if (changed === undefined || fenced === undefined) throw new Error('no folders');
    await ledger.putFolderState(changed.folder, changed.term, { ...STATE, lastUid: 99 }, null);
    const outcomes = await Promise.all([
      ...folders.map(({ folder, term }, n) =>
        ledger.putFolderState(
          folder,
          folder === fenced.folder ? { ...term, epoch: 4 } : term,
          { ...STATE, uidValidity: 100 + n },
          null,
        ),
      ),
      ledger.putFolderState({ ...changed.folder, folder: 'Other' }, changed.term, STATE, null),
    ]);
    expect(outcomes.map(({ kind }) => kind)).toEqual([
      ...['stored', 'changed', 'fenced', 'stored', 'stored'],
      'stored',
    ]);
    const states = await Promise.all(folders.map(({ folder }) => stateOf(folder)));
    expect(states.map((state) => state?.uidValidity ?? null)).toEqual([100, 7, null, 103, 104]);
    expect(await stateOf({ ...changed.folder, folder: 'Other' })).toMatchObject({ uidValidity: 7 });
  });

  it('waits for a row that is held only where it is its own', async () => {
    const folders = await crowd(4);
    const held = folders[2];
    if (held === undefined) throw new Error('no folders');
    const stored: number[] = [];
    const writes = await database.withTenant(held.folder.tenant, async (trx) => {
      await trx.raw('SELECT FROM imap_email_provider_config WHERE email_provider_id = ? FOR UPDATE', [
        held.folder.id,
      ]);
      const begun = folders.map(async ({ folder, term }, n) => {
        await ledger.putFolderState(folder, term, STATE, null);
        stored.push(n);
      });
      await Promise.all(begun.filter((_write, n) => n !== 2));
      expect(stored).not.toContain(2);
      return begun;
    });
    await Promise.all(writes);
    expect(await stateOf(held.folder)).toMatchObject({ uidValidity: 7 });
  });
});

describe('a batch', () => {
  it('that waited for another of the same folder sees what that one stored', async () => {
    const { folder, term } = await heldFolder();
    await ledger.putFolderState(folder, term, STATE, null);
    const batch = (uid: number) => ({
      expected: STATE,
      state: { ...STATE, lastUid: uid },
      messages: [message(uid)],
      finished: [uid],
    });
    // Both begin with the same cursor, and both statements have begun before either is done.
    const outcomes = await Promise.all([11, 12].map((uid) => ledger.recordBatch(folder, term, batch(uid))));
    expect(outcomes.map(({ kind }) => kind).sort((a, b) => a.localeCompare(b))).toEqual([
      'changed',
      'stored',
    ]);
  });
});

it('what PostgreSQL may forget when it crashes is what is made again: attempts and marks, not rows', async () => {
  const { folder, term } = await heldFolder();
  await ledger.putFolderState(folder, term, STATE, null);
  await world.sql('CREATE TABLE writes (what text, synchronous_commit text)');
  await world.sql('GRANT INSERT ON writes TO mailstream_app');
  await world.sql(`CREATE FUNCTION note_write() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    INSERT INTO writes VALUES (TG_TABLE_NAME || ' ' || TG_OP, current_setting('synchronous_commit'));
    RETURN NULL; END $$`);
  for (const table of ['inbound_messages', 'ingest_attempts'])
    await world.sql(`CREATE TRIGGER note_write AFTER INSERT OR UPDATE OR DELETE ON ${table}
                     FOR EACH STATEMENT EXECUTE FUNCTION note_write()`);
  await ledger.countAttempts(folder, term, 7, [11]);
  const batch = { state: { ...STATE, lastUid: 11 }, messages: [message(11)], finished: [11] };
  await ledger.recordBatch(folder, term, { expected: STATE, ...batch });
  await ledger.markPublished(folder, [{ uidValidity: 7, uid: 11, publishSeq: 1, entryId: '1-0' }]);
  const written = await world.sql<{ what: string; synchronous_commit: string }>('SELECT * FROM writes');
  expect(Object.fromEntries(written.map((row) => [row.what, row.synchronous_commit]))).toEqual({
    'ingest_attempts INSERT': 'off',
    'ingest_attempts UPDATE': 'off',
    'inbound_messages INSERT': 'on',
    'ingest_attempts DELETE': 'on',
    'inbound_messages UPDATE': 'off',
  });
  for (const table of ['inbound_messages', 'ingest_attempts'])
    await world.sql(`DROP TRIGGER note_write ON ${table}`);
});

describe('attempts', () => {
  it('are taken back where neither parser nor process died, and never below the kills', async () => {
    const { folder, term } = await heldFolder();
    await ledger.countAttempts(folder, term, 7, [11, 12, 13]);
    await ledger.countAttempts(folder, term, 7, [12, 13]);
    await ledger.countKill(folder, 7, 13);
    await ledger.forgiveAttempts(folder, 7, [11, 12, 13]);
    await ledger.forgiveAttempts(folder, 7, [13]);
    const { unended } = await ledger.readFolder(folder, () => ({ uidValidity: 7, from: 1 }));
    expect([...unended].sort(([a], [b]) => a - b)).toEqual([
      [12, { kills: 0, crashes: 1 }],
      [13, { kills: 1, crashes: 0 }],
    ]);
  });
});

describe('content under another UIDVALIDITY', () => {
  it('is used up by what was matched, not by new mail of the same bytes', async () => {
    const { folder, term } = await heldFolder();
    await ledger.putFolderState(folder, term, STATE, null);
    const record = (state: FolderState, expected: FolderState, messages: readonly NewMessage[]) =>
      ledger.recordBatch(folder, term, { expected, state, messages, finished: [] });
    const same = (uid: number): NewMessage => ({ ...message(uid), contentHash: 'same' });
    const first = { ...STATE, lastUid: 12 };
    await record(first, STATE, [same(11), same(12)]);
    const renumbered = { ...first, uidValidity: 8, lastUid: 0, revalidateUpTo: 2 };
    await ledger.putFolderState(folder, term, renumbered, first);
    const open = async () =>
      (await ledger.unmatchedContent(folder, 8, { hashes: ['same'], emailIds: [] })).byHash.get('same');
    expect(await open()).toBe(2);
    await record({ ...renumbered, lastUid: 3 }, renumbered, [
      { ...same(1), status: 'skipped', reason: 'same_content' },
      same(3),
    ]);
    expect(await open()).toBe(1);
  });
});
