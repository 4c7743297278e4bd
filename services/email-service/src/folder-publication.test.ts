import { describe, expect, it } from 'vitest';
import { instanceId, providerId, tenantId } from '@mailstream/shared/domain/ids';
import { FolderPublication, type PublicationDeps } from './folder-publication.ts';

const FOLDER = {
  tenant: tenantId('00000000-0000-4000-8000-000000000001'),
  id: providerId('00000000-0000-4000-9000-000000000001'),
  folder: 'INBOX',
};
const TERM = { owner: instanceId('00000000-0000-4000-a000-000000000001'), epoch: 1 };

/** Nothing is left to publish; `whileRecovering` runs whenever the ledger is asked about that. */
function publication(whileRecovering: () => void): FolderPublication {
  const ledger = {
    markPublished: () => Promise.resolve(),
    outstanding: () => {
      whileRecovering();
      return Promise.resolve({ publishSeq: 0, isUnpublished: false, isUnprocessed: false });
    },
  };
  const publisher = { watermark: () => Promise.resolve(0), publish: () => Promise.resolve([]) };
  const clock = { monotonicMs: () => 0 };
  const deps = { ledger, publisher, clock, steps: () => undefined } as unknown as PublicationDeps;
  return new FolderPublication(deps, FOLDER, TERM);
}

describe('publication of a folder', () => {
  it('is recovered after a recovery', async () => {
    const quiet = publication(() => undefined);
    await quiet.recover(new AbortController().signal);
    expect(quiet.isRecovered).toBe(true);
  });

  it('recovers again after a doubt that came while it was recovering: the stream may have been lost behind it', async () => {
    let isFirst = true;
    const doubted = publication(() => {
      if (isFirst) doubted.doubt();
      isFirst = false;
    });
    await doubted.recover(new AbortController().signal);
    expect(doubted.isRecovered).toBe(false);
    await doubted.recover(new AbortController().signal);
    expect(doubted.isRecovered).toBe(true);
  });

  it('asks nothing about a folder that begins blank, until that is in doubt or something was published', async () => {
    const { signal } = new AbortController();
    let asked = 0;
    const quiet = publication(() => (asked += 1));
    quiet.beginsBlank();
    await quiet.recover(signal);
    expect([quiet.isRecovered, asked]).toEqual([true, 0]);
    quiet.doubt();
    await quiet.recover(signal);
    expect(asked).toBe(1);

    const doubted = publication(() => (asked += 1));
    doubted.beginsBlank();
    doubted.distrust();
    await doubted.recover(signal);
    expect(asked).toBe(2);

    const published = publication(() => (asked += 1));
    published.beginsBlank();
    await published.publish([], 0, signal);
    await published.recover(signal);
    expect(asked).toBe(3);
  });

  it('raises the sequence of a blank folder above what the stream has of it: a database without a past', async () => {
    const raised: number[] = [];
    const ledger = {
      raiseSequence: (_folder: unknown, _term: unknown, mark: number) => {
        raised.push(mark);
        return Promise.resolve({ kind: 'stored' });
      },
    };
    const publisher = { watermark: () => Promise.resolve(3) };
    const clock = { monotonicMs: () => 0 };
    const deps = { ledger, publisher, clock } as unknown as PublicationDeps;
    const blank = new FolderPublication(deps, FOLDER, TERM);
    blank.beginsBlank();
    await blank.recover(new AbortController().signal);
    expect([blank.isRecovered, raised]).toEqual([true, [3]]);
  });

  it('looks again until a worker is done with what it had in hand when a store may have lost its effect', async () => {
    const row = { tenant: FOLDER.tenant, providerId: FOLDER.id, folder: 'INBOX', uidValidity: 7, uid: 4 };
    const other = { ...row, uid: 5 };
    let unprocessed = [row];
    let nowMs = 0;
    const ledger = {
      outstanding: () => Promise.resolve({ publishSeq: 3, isUnpublished: false, isUnprocessed: true }),
      unpublished: () => Promise.resolve([]),
      unprocessed: (_folder: unknown, after: number) =>
        Promise.resolve(after > 0 ? [] : unprocessed.map((each) => ({ ...each, publishSeq: 3 }))),
    };
    const publisher = {
      watermark: () => Promise.resolve(3),
      whereabouts: (_folder: unknown, events: readonly { readonly eventId: string }[]) =>
        Promise.resolve({ gone: new Set(), inHand: new Set(events.map((event) => event.eventId)) }),
    };
    const clock = { monotonicMs: () => nowMs };
    const deps = { ledger, publisher, clock } as unknown as PublicationDeps;
    const publishing = new FolderPublication(deps, FOLDER, TERM);
    const { signal } = new AbortController();

    await publishing.recover(signal);
    expect(publishing).toMatchObject({ isRecovered: true, recheckInMs: 30_000 });
    nowMs = 30_000;
    expect(publishing).toMatchObject({ isRecovered: false, recheckInMs: 0 });
    await publishing.recover(signal);
    expect(publishing).toMatchObject({ isRecovered: true, recheckInMs: 30_000 });
    // What came into its hands later is no reason to look again.
    unprocessed = [other];
    await publishing.recover(signal);
    expect(publishing).toMatchObject({ isRecovered: true, recheckInMs: null });
    publishing.distrust();
    await publishing.recover(signal);
    expect(publishing).toMatchObject({ isRecovered: true, recheckInMs: 30_000 });
  });
});
