import { expect, it } from 'vitest';
import { messageStatusText, providerStatusText } from './status-text.ts';

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

it.each([
  ['WORKER_FAILED: 5 attempts failed: error P0001', /^Could not be processed: An event could not be turned/],
  ['PARSER_KILLED', /^Could not be processed: A message could not be read/],
  ['nobody knows', /^Could not be processed: nobody knows\. Its original is kept\.$/],
])('says %s in words that a person can use', (reason, sentence) => {
  expect(messageStatusText('dead_letter', reason)).toMatch(sentence);
});
