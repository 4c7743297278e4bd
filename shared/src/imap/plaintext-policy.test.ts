import { expect, test } from 'vitest';
import { plaintextPolicy } from './plaintext-policy.ts';

test('clear text is allowed in the listed networks only, and nowhere by default', () => {
  const policy = plaintextPolicy(['127.0.0.0/8', 'fd12::/32']);
  expect(
    ['127.0.0.1', 'fd12::5', '10.0.0.1', '::1', 'localhost', ''].map((address) => policy.allows(address)),
  ).toEqual([true, true, false, false, false, false]);
  expect(plaintextPolicy([]).allows('127.0.0.1')).toBe(false);
});

test('a bad network is refused by name of the setting', () => {
  expect(() => plaintextPolicy(['10/8'])).toThrow(/^IMAP_PLAINTEXT_ALLOW_CIDRS: "10\/8"/);
});
