import { providerId, tenantId } from '@mailstream/shared/domain/ids';
import { createLogger } from '@mailstream/shared/runtime/logger';
import { encodeEntry } from '@mailstream/shared/events/email-received';
import { FakeClock } from '@mailstream/shared/testing/fake-clock';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createEntriesInHand, type EntriesInHand } from './entries-in-hand.ts';
import type { EntryHandler, Settlement, Visit } from './entry-handler.ts';
import type { EntryRef, StreamEntry } from './ports.ts';

const PROVIDER = '00000000-0000-4000-8000-000000000000';
const TENANTS = ['0000000a-0000-4000-8000-000000000000', '0000000b-0000-4000-8000-000000000000'];
const SETTLED: Settlement = { kind: 'settled' };
const log = createLogger({ service: 'test', level: 'silent' });

/** Message `uid` of a tenant, in a conversation. */
function entryOf(uid: number, tenant = 0, conversation = uid): StreamEntry {
  const id = TENANTS[tenant] ?? '';
  const key = {
    tenant: tenantId(id),
    providerId: providerId(PROVIDER),
    folder: 'INBOX',
    uidValidity: 1,
    uid,
  };
  const fields = encodeEntry(key, {
    ...{ tenantId: id, tenant: id, occurredAt: '2026-01-01T00:00:00.000Z', providerId: PROVIDER },
    emailData: {
      ...{ id: `<${uid}@x>`, provider: 'imap', providerId: PROVIDER, tenant: id },
      ...{ receivedAt: '2026-01-01T00:00:00.000Z', from: { email: 'a@x' }, to: [], cc: [], bcc: [] },
      ...{ replyTo: [], subject: '', body: { text: '' }, attachments: [], headers: [], autoSubmitted: false },
      ...{ references: [`<root-${conversation}@x>`], folder: 'INBOX', uid, uidValidity: 1 },
      raw: { storageKey: 'k', sha256: 's', size: 1 },
    },
  });
  const flat = Object.entries(fields as unknown as Record<string, string>).flat();
  return { stream: 'workflow:events:global', id: `${uid}-0`, fields: flat };
}

const uidOf = ({ id }: EntryRef): number => Number.parseInt(id, 10);
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

interface World {
  readonly clock: FakeClock;
  readonly inHand: EntriesInHand;
  /** What was begun, in order. */
  readonly begun: number[];
  /** Ends the handling of one that runs. */
  end(uid: number, settlement?: Settlement): Promise<void>;
  running(): readonly number[];
  take(...entries: readonly StreamEntry[]): Promise<void>;
  visits: Map<number, Visit>;
  gone: EntryRef[];
}

function world(
  options: { concurrency?: number; tenantConcurrency?: number; lost?: ReadonlySet<number> } = {},
): World {
  const clock = new FakeClock();
  const entries = new Map<string, StreamEntry>();
  const ends = new Map<number, (settlement: Settlement) => void>();
  const begun: number[] = [];
  const visits = new Map<number, Visit>();
  const gone: EntryRef[] = [];
  const handle: EntryHandler = ({ entry }, visit) => {
    begun.push(uidOf(entry));
    visits.set(uidOf(entry), visit);
    return new Promise((resolve) => ends.set(uidOf(entry), resolve));
  };
  const inHand = createEntriesInHand({
    source: {
      load: (refs) =>
        Promise.resolve({
          entries: refs.flatMap((ref) => entries.get(ref.id) ?? []),
          gone: refs.filter((ref) => !entries.has(ref.id)),
        }),
    },
    handle,
    clock,
    log,
    concurrency: options.concurrency ?? 4,
    tenantConcurrency: options.tenantConcurrency ?? 4,
    onGone: (refs) => gone.push(...refs),
  });
  return {
    ...{ clock, inHand, begun, visits, gone },
    running: () => [...ends.keys()],
    take: async (...more) => {
      for (const entry of more) if (options.lost?.has(uidOf(entry)) !== true) entries.set(entry.id, entry);
      inHand.takeEntries(more);
      for (let i = 0; i < 5; i += 1) await turn();
    },
    end: async (uid, settlement = SETTLED) => {
      const resolve = ends.get(uid);
      if (resolve === undefined) throw new Error(`${uid} does not run`);
      ends.delete(uid);
      resolve(settlement);
      for (let i = 0; i < 5; i += 1) await turn();
    },
  };
}

const comeBack = (delayMs: number, alone: boolean): Settlement => ({
  ...{ kind: 'comeBack', delayMs, alone },
  parentWaits: 0,
});

describe('entries in hand', () => {
  it('run side by side within a tenant, but one after the other within a conversation', async () => {
    const { take, running, end } = world();
    await take(entryOf(1, 0, 7), entryOf(2, 0, 7), entryOf(3, 0, 8));
    expect(running()).toEqual([1, 3]);
    await end(1);
    expect(running()).toEqual([3, 2]);
  });

  it('are loaded in order, one load of a tenant at a time, and again after one that failed', async () => {
    const clock = new FakeClock();
    const begun: number[] = [];
    const loads: { readonly uids: readonly number[]; readonly end: (isOk: boolean) => Promise<void> }[] = [];
    const inHand = createEntriesInHand({
      source: {
        load: (refs) =>
          new Promise((resolve, reject) => {
            const entries = refs.map((ref) => entryOf(uidOf(ref)));
            const end = async (isOk: boolean): Promise<void> => {
              if (isOk) resolve({ entries, gone: [] });
              else reject(new Error('redis is away'));
              for (let step = 0; step < 5; step += 1) await turn();
            };
            loads.push({ uids: refs.map(uidOf), end });
          }),
      },
      handle: ({ entry }) => {
        begun.push(uidOf(entry));
        return Promise.resolve(SETTLED);
      },
      ...{ clock, log, concurrency: 4, tenantConcurrency: 1, onGone: () => undefined },
    });
    const tenant = TENANTS[0] ?? '';
    const stream = 'workflow:events:global';
    const headers = (from: number, to: number) =>
      Array.from({ length: to - from + 1 }, (_, n) => ({ stream, id: `${from + n}-0`, tenant }));
    inHand.takeHeaders(headers(1, 2), true);
    // There is room for them, and they have to wait for the others all the same.
    inHand.takeHeaders(headers(3, 4), true);
    expect(loads.map(({ uids }) => uids)).toEqual([[1, 2]]);
    await loads[0]?.end(false);
    expect(loads).toHaveLength(1);
    clock.advance(200);
    expect(loads.at(-1)?.uids).toEqual([1, 2, 3, 4]);
    await loads.at(-1)?.end(true);
    expect(begun).toEqual([1, 2, 3, 4]);
    expect([loads.length, inHand.size(), clock.pending]).toEqual([2, 0, 0]);
  });

  it('never let one tenant wait for a conversation of another that looks the same', async () => {
    const { take, running } = world();
    await take(entryOf(1, 0, 7), entryOf(2, 1, 7));
    expect(running()).toEqual([1, 2]);
  });

  it('leave slots for other tenants, and hold ids only of what is beyond a tenant’s share', async () => {
    const { take, running, inHand, end } = world({ concurrency: 4, tenantConcurrency: 2 });
    await take(...Array.from({ length: 2_000 }, (_, n) => entryOf(n + 1)));
    expect(running()).toEqual([1, 2]);
    // 2 slots with 4 bodies each.
    expect(inHand.room()).toBe(32 - 8);
    await take(entryOf(5_000, 1));
    expect(running()).toEqual([1, 2, 5_000]);
    for (let uid = 1; uid < 500; uid += 1) await end(uid);
    expect(inHand.size()).toBe(2_001 - 499);
  });

  it('let a conversation wait for the one of it that failed, and nobody else', async () => {
    const { take, running, end, clock, inHand, visits } = world({ tenantConcurrency: 2 });
    await take(...Array.from({ length: 30 }, (_, n) => entryOf(n + 1, 0, 7)), entryOf(31));
    await end(1, comeBack(30_000, true));
    // More of the conversation than the tenant may have bodies of: they hold none while they wait.
    expect(running()).toEqual([31]);
    expect(inHand.room()).toBe(32 - 1);
    clock.advance(29_999);
    await turn();
    expect(running()).toEqual([31]);
    clock.advance(1);
    for (let i = 0; i < 5; i += 1) await turn();
    expect(running()).toEqual([31, 1]);
    expect(visits.get(1)).toMatchObject({ isAlone: true, isFresh: false });
    await end(1);
    for (let uid = 2; uid <= 30; uid += 1) await end(uid);
    await end(31);
    expect(inHand.size()).toBe(0);
  });

  it('do not let one that waits for its parent hold up that parent', async () => {
    const { take, running, end, clock, begun } = world();
    await take(entryOf(1, 0, 7), entryOf(2, 0, 7));
    await end(1, comeBack(500, false));
    expect(running()).toEqual([2]);
    await end(2);
    clock.advance(500);
    for (let i = 0; i < 5; i += 1) await turn();
    expect(begun).toEqual([1, 2, 1]);
  });

  it('try those that failed one at a time, tenants in turn', async () => {
    const { take, running, end, clock } = world({ concurrency: 8, tenantConcurrency: 8 });
    await take(entryOf(1), entryOf(2), entryOf(3), entryOf(4, 1));
    for (const uid of [1, 2, 3, 4]) await end(uid, comeBack(1_000, true));
    clock.advance(1_000);
    const order: number[] = [];
    for (let i = 0; i < 4; i += 1) {
      for (let t = 0; t < 5; t += 1) await turn();
      const [only, ...others] = running();
      expect(others).toEqual([]);
      order.push(only ?? 0);
      await end(only ?? 0);
    }
    expect(order).toEqual([1, 4, 2, 3]);
  });

  it('tell of what was deleted from the stream, and forget it', async () => {
    const { take, gone, inHand, end } = world({ tenantConcurrency: 1, lost: new Set([7]) });
    await take(...Array.from({ length: 8 }, (_, n) => entryOf(n + 1)));
    for (const uid of [1, 2, 3, 4, 5, 6]) await end(uid);
    expect(gone.map(uidOf)).toEqual([7]);
    await end(8);
    expect(inHand.size()).toBe(0);
  });

  it('keep the order of every conversation and lose nothing, whatever fails and whenever it comes back', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(fc.nat(1), fc.nat(3)), { minLength: 1, maxLength: 40 }),
        fc.array(fc.nat(9), { minLength: 1, maxLength: 60 }),
        async (messages, choices) => {
          const { take, running, end, clock, inHand, begun } = world({
            concurrency: 3,
            tenantConcurrency: 2,
          });
          const conversations = new Map<number, string>();
          const entries = messages.map(([tenant, conversation], index) => {
            conversations.set(index + 1, `${tenant} ${conversation}`);
            return entryOf(index + 1, tenant, conversation);
          });
          await take(...entries);
          const done: number[] = [];
          for (let step = 0; inHand.size() > 0; step += 1) {
            if (step > 1_000) throw new Error('stuck');
            const now = running();
            for (const [index, uid] of now.entries())
              expect(now.findIndex((other) => conversations.get(other) === conversations.get(uid))).toBe(
                index,
              );
            const choice = step < 100 ? (choices[step % choices.length] ?? 0) : 0;
            const uid = now[choice % Math.max(1, now.length)];
            if (uid === undefined || choice === 9) {
              clock.advance(1_000);
              await turn();
            } else if (choice >= 7) await end(uid, comeBack(1_500, true));
            else {
              done.push(uid);
              await end(uid);
            }
          }
          expect(done.toSorted((a, b) => a - b)).toEqual(entries.map(uidOf));
          for (const conversation of new Set(conversations.values())) {
            const own = done.filter((uid) => conversations.get(uid) === conversation);
            expect(own).toEqual(own.toSorted((a, b) => a - b));
          }
          expect(begun.length).toBeGreaterThanOrEqual(done.length);
          expect(clock.pending).toBe(0);
          await inHand.stop();
        },
      ),
      { numRuns: 60 },
    );
  });
});
