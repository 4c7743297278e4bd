import { instanceId, providerId, tenantId } from '@mailstream/shared/domain/ids';
import type { ImapProvider } from '@mailstream/shared/domain/provider';
import { FaultError } from '@mailstream/shared/errors/fault-error';
import { createMetrics } from '@mailstream/shared/runtime/metrics';
import { FakeClock } from '@mailstream/shared/testing/fake-clock';
import { describe, expect, it } from 'vitest';
import { measuring } from './measured-ports.ts';
import type { FetchedMessage, ImapSession } from './ports/imap.ts';
import type { LeaseStore } from './ports/leases.ts';
import type { Ledger } from './ports/ledger.ts';
import type { EventPublisher, PublishOutcome, SequencedEntry } from './ports/stream.ts';

const ID = '00000000-0000-4000-8000-000000000001';
const ref = { tenant: tenantId(ID), id: providerId(ID) };
const folder = { ...ref, folder: 'INBOX' };
const term = { owner: instanceId(ID), epoch: 1 };
const away = new FaultError({ kind: 'transient', code: 'DATABASE_UNAVAILABLE', detail: 'x' });

/** As much of a port as is asked; the rest is not there. */
const part = <Port>(methods: Partial<Port>): Port => methods as Port;

function setUp() {
  const clock = new FakeClock();
  const metrics = createMetrics();
  const measure = measuring(metrics, clock);
  /** Samples of one metric, without buckets. */
  const samples = async (name: string): Promise<readonly string[]> =>
    (await metrics.registry.metrics())
      .split('\n')
      .filter((line) => line.startsWith(`mailstream_${name}`) && !line.includes('_bucket'))
      .map((line) => line.replace(`mailstream_${name}`, ''));
  return { clock, metrics, measure, samples };
}

describe('the stores', () => {
  it('time the renewal of leases, also one that fails', async () => {
    const { clock, measure, samples } = setUp();
    let answer = (): Promise<never> | ReturnType<LeaseStore['renew']> => {
      clock.advance(250);
      return Promise.resolve({ renewed: [ref], busy: [] });
    };
    const leases = measure.leases(part<LeaseStore>({ renew: () => answer() }));
    expect(await leases.renew([{ ...ref, epoch: 1 }], term.owner, 30_000)).toEqual({
      renewed: [ref],
      busy: [],
    });
    answer = () => Promise.reject(away);
    await expect(leases.renew([], term.owner, 30_000)).rejects.toBe(away);
    expect(await samples('lease_renew_seconds')).toEqual([
      '_sum{result="done"} 0.25',
      '_count{result="done"} 1',
      '_sum{result="DATABASE_UNAVAILABLE"} 0',
      '_count{result="DATABASE_UNAVAILABLE"} 1',
    ]);
  });

  it('count what is given up by its reason, and nothing of a batch that was refused', async () => {
    const { measure, samples } = setUp();
    let kind: 'stored' | 'fenced' = 'stored';
    const stored = (): Awaited<ReturnType<Ledger['recordBatch']>> =>
      kind === 'stored' ? { kind, previousSeq: 0, rows: [] } : { kind };
    const ledger = measure.ledger(
      part<Ledger>({
        recordBatch: () => Promise.resolve(stored()),
        deadLetter: () => Promise.resolve({ kind: 'stored' }),
        requeue: () => Promise.resolve({ kind: 'stored', count: 3 }),
        unpublished: () => Promise.resolve([]),
      }),
    );
    type Batch = Parameters<Ledger['recordBatch']>[2];
    const batch = {
      messages: [
        { status: 'received', size: 100, reason: null },
        { status: 'dead_letter', size: 300, reason: 'PARSER_KILLED' },
      ],
    } as unknown as Batch;
    await ledger.recordBatch(folder, term, batch);
    kind = 'fenced';
    await ledger.recordBatch(folder, term, batch);
    await ledger.deadLetter(folder, term, { uidValidity: 1, uid: 1 }, 'RAW_MISSING');
    await ledger.requeue(folder, term, []);
    await ledger.unpublished(folder, 0, 50);
    expect(await samples('dead_letters_total')).toEqual([
      '{code="PARSER_KILLED"} 1',
      '{code="RAW_MISSING"} 1',
    ]);
    expect(await samples('message_size_bytes')).toEqual(['_sum 400', '_count 2']);
    expect(await samples('recovered_messages_total')).toEqual(['{kind="lost"} 3', '{kind="unpublished"} 0']);
    expect(await samples('record_seconds_count')).toEqual(['{result="stored"} 1', '{result="fenced"} 1']);
  });
});

describe('a connection', () => {
  const message = { uid: 1 } as FetchedMessage;

  async function connected() {
    const up = setUp();
    const { clock, measure } = up;
    let end: () => void = () => undefined;
    const closed = new Promise<null>((resolve) => {
      end = () => resolve(null);
    });
    const wire = part<ImapSession>({
      closed,
      open: () => {
        clock.advance(500);
        return Promise.resolve({ path: 'INBOX', uidValidity: 1, uidNext: 1, exists: 0, uidNotSticky: false });
      },
      async *fetch() {
        for (let n = 0; n < 2; n += 1) {
          clock.advance(1_000);
          yield message;
        }
      },
      watch: () => Promise.resolve('changed'),
    });
    const session = await measure
      .connector({ connect: () => Promise.resolve(wire) })
      .connect(ref as ImapProvider, new AbortController().signal);
    const published = (outcomes: readonly PublishOutcome[]): Promise<unknown> =>
      measure
        .publisher(part<EventPublisher>({ publish: () => Promise.resolve(outcomes) }))
        .publish(folder, outcomes as unknown as readonly SequencedEntry[]);
    return { ...up, session, end: () => (end(), closed), published };
  }

  it('is counted while it lives, and timed from dialling to the first open folder', async () => {
    const { session, end, samples } = await connected();
    expect(await samples('imap_connections')).toEqual([' 1']);
    await session.open('INBOX');
    await session.open('INBOX');
    expect(await samples('imap_connect_seconds')).toEqual([
      '_sum{result="connected"} 0.5',
      '_count{result="connected"} 1',
    ]);
    await end();
    await session.closed;
    expect(await samples('imap_connections')).toEqual([' 0']);
  });

  it('that cannot be had is timed by its code', async () => {
    const { measure, samples } = setUp();
    const connector = measure.connector({ connect: () => Promise.reject(away) });
    await expect(connector.connect(ref as ImapProvider, new AbortController().signal)).rejects.toBe(away);
    expect(await samples('imap_connect_seconds_count')).toEqual(['{result="DATABASE_UNAVAILABLE"} 1']);
    expect(await samples('imap_connections')).toEqual([' 0']);
  });

  it('is timed for what the server takes, not for what is done with a message', async () => {
    const { session, clock, samples } = await connected();
    const { signal } = new AbortController();
    for await (const each of session.fetch([1, 2], 10, signal)) {
      expect(each).toBe(message);
      clock.advance(60_000);
    }
    for await (const _first of session.fetch([1, 2], 10, signal)) break;
    expect(await samples('fetch_seconds')).toEqual([
      '_sum{result="done"} 2',
      '_count{result="done"} 1',
      '_sum{result="cut_short"} 1',
      '_count{result="cut_short"} 1',
    ]);
  });

  it('tells by its hint how long a message took to the stream; a backlog nobody hinted at is not counted', async () => {
    const { session, clock, published, samples } = await connected();
    const appended = { kind: 'appended', entryId: '1-0' } as const;
    await session.open('INBOX');
    await published([appended]);
    const options = {} as Parameters<ImapSession['watch']>[0];
    await session.watch(options);
    clock.advance(40);
    await published([appended, { kind: 'duplicate' }, { kind: 'gap', watermark: 0 }]);
    expect(await samples('visible_to_published_seconds')).toEqual(['_sum 0.04', '_count 1']);
    expect(await samples('messages_total')).toEqual(['{result="published"} 2', '{result="duplicate"} 1']);
    expect(await samples('publish_seconds_count')).toEqual(['{result="done"} 1', '{result="gap"} 1']);
  });
});
