import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { instanceId, providerId, tenantId } from '@mailstream/shared/domain/ids';
import { FetchBudget } from './fetch-budget.ts';
import type { FolderCursor } from './folder-cursor.ts';
import { MessageRun, type IngestDeps } from './message-run.ts';
import type { FetchedMessage, ImapSession } from './ports/imap.ts';
import type { RawSource } from './ports/mail.ts';

const MIB = 1024 * 1024;
const FOLDER = {
  tenant: tenantId('00000000-0000-4000-8000-000000000001'),
  id: providerId('00000000-0000-4000-9000-000000000001'),
  folder: 'INBOX',
};
const TERM = { owner: instanceId('00000000-0000-4000-a000-000000000001'), epoch: 1 };
const PLACE = { waits: () => undefined, works: () => undefined, end: () => undefined };

let spoolDir = '';
beforeAll(async () => {
  spoolDir = await mkdtemp(join(tmpdir(), 'message-run-'));
});
afterAll(async () => {
  await rm(spoolDir, { recursive: true, force: true });
});

describe('a message that is too large for one piece', () => {
  it('asks for each piece what may be held at that moment, and is read from one file that is gone afterwards', async () => {
    const budget = new FetchBudget(16 * MIB, 4 * MIB);
    const asked: number[] = [];
    const read: RawSource[] = [];
    const nothing = { internalDate: null, emailId: null, threadId: null };
    const head = { ...nothing, uid: 5, announcedSize: 12, head: Buffer.from('0123'), maybeMore: true };
    async function* heads(_uids: readonly number[], firstBytes: number): AsyncGenerator<FetchedMessage> {
      asked.push(firstBytes);
      yield await Promise.resolve(head);
    }
    async function* rest(_uid: number, offset: number, chunkBytes: () => number): AsyncGenerator<Uint8Array> {
      expect(offset).toBe(4);
      asked.push(chunkBytes());
      yield await Promise.resolve(Buffer.from('4567'));
      // Seven others begin meanwhile.
      for (let others = 0; others < 7; others += 1) budget.begin();
      asked.push(chunkBytes());
      yield Buffer.from('89ab');
    }
    const deps = {
      ...{ budget, spoolDir, steps: () => undefined, limits: { parallelParses: 1 } },
      ledger: { countAttempts: () => Promise.resolve({ kind: 'counted' }) },
      processor: {
        process: (_key: unknown, source: RawSource) => {
          read.push(source);
          return Promise.reject(new Error('not read in this test'));
        },
      },
    } as unknown as IngestDeps;
    const session = { fetch: heads, fetchRest: rest } as unknown as ImapSession;
    const cursor = { suspects: new Map() } as unknown as FolderCursor;
    const { signal } = new AbortController();

    const run = new MessageRun(deps, FOLDER, TERM, 7);
    const fetched = await run.fetch(session, { uids: [5], alone: false }, cursor, signal, PLACE);
    const { messages, fault } = await fetched.parsed;

    expect(asked).toEqual([4 * MIB, 4 * MIB, 2 * MIB]);
    expect([messages, fault?.message]).toEqual([[], 'not read in this test']);
    expect(read).toMatchObject([{ kind: 'file', size: 12 }]);
    expect(await readdir(spoolDir)).toEqual([]);
  });
});
