import { expect, it } from 'vitest';
import { providerStatusText } from './status-text.ts';

const fresh = { isStale: false, dataAgeSeconds: 0 };

it('does not blame the mail server when it is our own store that is full or away', () => {
  expect(providerStatusText('disconnected', null, 'STREAM_FULL', fresh)).toBe(
    'Fetching waits. Events wait to be processed, and there are too many of them to fetch more mail.',
  );
  expect(providerStatusText('disconnected', null, 'STORAGE_FULL', fresh)).toBe(
    'Fetching waits. The storage for messages is full.',
  );
  expect(providerStatusText('disconnected', null, 'IMAP_CONNECTION_LOST', fresh)).toMatch(/^Not connected/);
});
