import { describe, expect, it } from 'vitest';
import { instanceId, providerId, tenantId } from '@mailstream/shared/domain/ids';
import { FolderPublication, type PublicationDeps } from './folder-publication.ts';

const FOLDER = {
  tenant: tenantId('00000000-0000-4000-8000-000000000001'),
  id: providerId('00000000-0000-4000-9000-000000000001'),
  folder: 'INBOX',
};
const TERM = { owner: instanceId('00000000-0000-4000-a000-000000000001'), epoch: 1 };

/** Nothing is left to publish; `whileRecovering` runs in the middle of each recovery. */
function publication(whileRecovering: () => void): FolderPublication {
  const ledger = {
    outstanding: () => {
      whileRecovering();
      return Promise.resolve({ publishSeq: 3, isUnpublished: false, isUnprocessed: false });
    },
  };
  const publisher = { watermark: () => Promise.resolve(3) };
  const clock = { monotonicMs: () => 0 };
  return new FolderPublication({ ledger, publisher, clock } as unknown as PublicationDeps, FOLDER, TERM);
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
