import { describe, expect, it } from 'vitest';
import type { FolderState } from '@mailstream/shared/domain/folder-state';
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
    folderState: () => Promise.resolve({ publishSeq: 3 } as FolderState),
    unpublished: () => Promise.resolve([]),
    unprocessed: () => {
      whileRecovering();
      return Promise.resolve([]);
    },
  };
  const publisher = { watermark: () => Promise.resolve(3) };
  return new FolderPublication({ ledger, publisher } as unknown as PublicationDeps, FOLDER, TERM);
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
});
