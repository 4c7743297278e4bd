/** The comparison itself on plain sets; against real servers in test/audit.real.test.ts. */
import { FakeClock } from '@mailstream/shared/testing/fake-clock';
import { createLogger } from '@mailstream/shared/runtime/logger';
import { providerId, tenantId } from '@mailstream/shared/domain/ids';
import type { FolderState } from '@mailstream/shared/domain/folder-state';
import { expect, test } from 'vitest';
import { MAX_HOLES } from './core/sync-plan.ts';
import { auditFolder } from './folder-audit.ts';
import { FolderCursor } from './folder-cursor.ts';
import type { AuditCounts } from './ports/folder-status.ts';
import type { ImapSession } from './ports/imap.ts';

const ID = '00000000-0000-4000-8000-000000000001';
const BATCH = 200;

/** A mailbox, a ledger and the passes between them; `undelivered` is listed and never handed over. */
function world(lastUid: number, missing: readonly number[], undelivered: readonly number[] = []) {
  const shown = new Set(Array.from({ length: lastUid }, (_, index) => index + 1));
  const ledger = new Set([...shown].filter((uid) => !missing.includes(uid)));
  const never = new Set(undelivered);
  const state: FolderState = {
    uidValidity: 7,
    baselineUid: 0,
    baselineDate: null,
    baselineTies: 0,
    lastUid,
    holes: [],
    publishSeq: 0,
    revalidateUpTo: 0,
    lastSeenAt: null,
  };
  const clock = new FakeClock();
  const listUids = (from: number): Promise<readonly number[]> =>
    Promise.resolve([...shown].filter((uid) => uid >= from).sort((a, b) => a - b));
  const session = { listUids } as Partial<ImapSession> as ImapSession;
  const cursor = new FolderCursor(state, [], new Map(), session);
  let passes = 0;
  let mostHoles = 0;
  let largestPage = 0;
  const pass = (): Promise<void> => {
    passes += 1;
    mostHoles = Math.max(mostHoles, cursor.holes.length);
    const due = cursor.holes.filter((uid) => cursor.isReady(uid, clock.monotonicMs())).slice(0, BATCH);
    const done = due.filter((uid) => shown.has(uid) && !never.has(uid));
    for (const uid of due) if (!done.includes(uid)) cursor.addHole(uid, session, clock.monotonicMs());
    for (const uid of done) ledger.add(uid);
    cursor.committed(state, done);
    return Promise.resolve();
  };
  const lost = new Set<number>();
  const audit = (isOver = () => false): Promise<AuditCounts | null> =>
    auditFolder(
      {
        ledger: {
          knownUids: (_folder, _validity, from, limit = Infinity) => {
            const rows = [...ledger].filter((uid) => uid >= from).sort((a, b) => a - b);
            const page = rows.slice(0, limit);
            largestPage = Math.max(largestPage, page.length);
            return Promise.resolve(page);
          },
        },
        folder: { tenant: tenantId(ID), id: providerId(ID), folder: 'INBOX' },
        log: createLogger({ service: 'test', level: 'silent' }),
        pass,
        isOver,
        monotonicMs: () => clock.monotonicMs(),
        maxMessages: BATCH,
      },
      session,
      cursor,
      lost,
    );
  return { audit, shown, ledger, seen: () => ({ passes, mostHoles, largestPage }) };
}

test('a folder of 100,000 messages is read in pages, and what is missing in it is found', async () => {
  const { audit, seen } = world(100_000, [5, 50_000, 99_999]);
  expect(await audit()).toEqual({ uidValidity: 7, checked: 100_000, missing: 0, found: 3, waiting: 0 });
  expect(seen().largestPage).toBeLessThanOrEqual(10_000);
});

test('more than a folder may leave open is mended in portions', async () => {
  const gone = Array.from({ length: 2_500 }, (_, index) => index + 1);
  const { audit, seen } = world(3_000, gone);
  expect(await audit()).toMatchObject({ checked: 3_000, found: 2_500, missing: 0 });
  expect(seen().mostHoles).toBeLessThanOrEqual(MAX_HOLES);
});

test('what the server does not deliver is asked for once, counted as missing, and does not hold the audit up', async () => {
  const { audit, seen } = world(100, [3, 4, 5], [4]);
  expect(await audit()).toMatchObject({ found: 2, missing: 1 });
  expect(seen().passes).toBeLessThanOrEqual(3);
});

test('what is deleted while we look is neither found nor missing', async () => {
  const { audit, shown } = world(10, [3]);
  const isOver = (): boolean => {
    shown.delete(3);
    return false;
  };
  shown.delete(3);
  expect(await audit(isOver)).toMatchObject({ checked: 9, found: 0, missing: 0 });
});

test('an audit that is told to end says nothing, and the next one counts what it had found', async () => {
  const { audit, ledger } = world(10, [3, 4]);
  expect(await audit(() => true)).toBeNull();
  expect(ledger.has(3)).toBe(true);
  expect(await audit()).toMatchObject({ found: 2, missing: 0 });
});
