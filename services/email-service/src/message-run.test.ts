import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
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

const NOTHING = { internalDate: null, emailId: null, threadId: null };
const ONE = { uids: [5], alone: false };

function largeHead(uid: number, head: Uint8Array): FetchedMessage {
  return { ...NOTHING, uid, announcedSize: 3 * head.length, head: Buffer.from(head), maybeMore: true };
}

/** Deps of a run whose messages are not parsed: what they were read from is in `read`. */
function world(
  budget: FetchBudget,
  pause: IngestDeps['pause'] = () => Promise.reject(new Error('no pause')),
) {
  const read: RawSource[] = [];
  const deps = {
    ...{ budget, spoolDir, pause, steps: () => undefined, limits: { parallelParses: 1 } },
    ledger: { countAttempts: () => Promise.resolve({ kind: 'counted' }) },
    processor: {
      process: (_key: unknown, source: RawSource) => {
        read.push(source);
        return Promise.reject(new Error('not read in this test'));
      },
    },
  } as unknown as IngestDeps;
  return { read, run: new MessageRun(deps, FOLDER, TERM, 7) };
}

const CURSOR = { suspects: new Map() } as unknown as FolderCursor;
const collectGarbage = exposeGc();

function exposeGc(): () => void {
  setFlagsFromString('--expose-gc');
  return runInNewContext('gc') as () => void;
}

describe('a message that is too large for one piece', () => {
  it('asks for each piece what may be held at that moment, and is read from one file that is gone afterwards', async () => {
    const budget = new FetchBudget({ heldBytes: () => 0 });
    const asked: number[] = [];
    async function* heads(_uids: readonly number[], firstBytes: number): AsyncGenerator<FetchedMessage> {
      asked.push(firstBytes);
      yield await Promise.resolve(largeHead(5, Buffer.from('0123')));
    }
    async function* rest(_uid: number, offset: number, chunkBytes: () => number): AsyncGenerator<Uint8Array> {
      expect(offset).toBe(4);
      asked.push(chunkBytes());
      yield await Promise.resolve(Buffer.from('4567'));
      // Seven others begin meanwhile.
      for (let others = 0; others < 7; others += 1) budget.begin().pieceBytes();
      asked.push(chunkBytes());
      yield Buffer.from('89ab');
    }
    const { run, read } = world(budget);
    const session = { fetch: heads, fetchRest: rest } as unknown as ImapSession;

    const fetched = await run.fetch(session, ONE, CURSOR, new AbortController().signal, PLACE);
    const { messages, fault } = await fetched.parsed;

    const [first, second, third] = asked;
    expect([first, second]).toEqual([4 * MIB, 4 * MIB]);
    expect(third).toBeLessThan(2 * MIB);
    expect([messages, fault?.message]).toEqual([[], 'not read in this test']);
    expect(read).toMatchObject([{ kind: 'file', size: 12 }]);
    expect(await readdir(spoolDir)).toEqual([]);
  });

  it('is not held while others of its run are fetched', async () => {
    const begun: WeakRef<Uint8Array>[] = [];
    const alive: number[] = [];
    async function* heads(uids: readonly number[]): AsyncGenerator<FetchedMessage> {
      for (const uid of uids) {
        const message = largeHead(uid, Buffer.alloc(MIB));
        begun.push(new WeakRef(message.head ?? new Uint8Array()));
        yield await Promise.resolve(message);
      }
    }
    async function* rest(): AsyncGenerator<Uint8Array> {
      await new Promise(setImmediate);
      collectGarbage();
      alive.push(begun.filter((head) => head.deref() !== undefined).length);
      yield Buffer.from('the rest');
    }
    const { run } = world(new FetchBudget({ heldBytes: () => 0 }));
    const session = { fetch: heads, fetchRest: rest } as unknown as ImapSession;

    const uids = Array.from({ length: 20 }, (_, index) => index + 1);
    const fetched = await run.fetch(
      session,
      { uids, alone: false },
      CURSOR,
      new AbortController().signal,
      PLACE,
    );
    await fetched.parsed;

    // The last one may still be in the frame that gave it.
    expect(alive[0]).toBeLessThanOrEqual(1);
    expect(alive).toHaveLength(20);
  });

  it('waits while V8 has too much to collect, and goes on when that lasts', async () => {
    const pauses: string[] = [];
    let held = 0;
    let last = 0;
    async function* heads(): AsyncGenerator<FetchedMessage> {
      held = 200 * MIB;
      last = 3;
      yield await Promise.resolve(largeHead(5, Buffer.from('0123')));
    }
    async function* rest(): AsyncGenerator<Uint8Array> {
      pauses.push('rest');
      held = 200 * MIB;
      last = Infinity;
      yield await Promise.resolve(Buffer.from('4567'));
      pauses.push('end');
    }
    const { run, read } = world(new FetchBudget({ heldBytes: () => held }), (ms) => {
      pauses.push(`${ms} ms`);
      last -= 1;
      if (last === 0) held = 0;
      return Promise.resolve();
    });
    const session = { fetch: heads, fetchRest: rest } as unknown as ImapSession;

    const fetched = await run.fetch(session, ONE, CURSOR, new AbortController().signal, PLACE);
    await fetched.parsed;

    expect(pauses).toEqual([
      ...Array<string>(3).fill('10 ms'),
      'rest',
      ...Array<string>(10).fill('10 ms'),
      'end',
    ]);
    expect(read).toMatchObject([{ kind: 'file', size: 8 }]);
  });

  it('leaves no file when it is stopped while it waits', async () => {
    async function* heads(): AsyncGenerator<FetchedMessage> {
      yield await Promise.resolve(largeHead(5, Buffer.from('0123')));
    }
    const budget = new FetchBudget({ heldBytes: () => 200 * MIB });
    const { run, read } = world(budget, () => Promise.reject(new Error('stopped')));
    const session = { fetch: heads } as unknown as ImapSession;

    const fetched = await run.fetch(session, ONE, CURSOR, new AbortController().signal, PLACE);

    expect((await fetched.parsed).fault?.message).toBe('stopped');
    expect(read).toEqual([]);
    expect(await readdir(spoolDir)).toEqual([]);
  });
});
