import fc from 'fast-check';
import { expect, test } from 'vitest';
import { serverText } from './server-text.ts';

test('text of a server becomes one printable line of at most 200 characters', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 2_000 }), (said) => {
      const kept = serverText(said);
      expect(kept.length).toBeLessThanOrEqual(200);
      expect(kept).not.toMatch(/[\p{C}\u2028\u2029]/u);
    }),
  );
});

test('a secret is cut out in clear, for a URL, and wherever it lies inside a base64 text', () => {
  const secret = 'p%ss wörd-7f3a';
  for (const before of ['', 'u', 'us', 'user', '\u0000anyone\u0000']) {
    const encoded = Buffer.from(`${before}${secret}\u0001\u0001`).toString('base64');
    const kept = serverText(`no: ${secret} ${encodeURIComponent(secret)} ${encoded}`, [secret]);
    expect(kept.match(/\[secret\]/g)).toHaveLength(3);
    expect(kept).not.toContain('7f3a');
  }
});

test('mail addresses are masked, the rest is kept', () => {
  expect(serverText('user <jane.doe@example.com> has no mailbox here')).toBe(
    'user <[address]> has no mailbox here',
  );
  expect(serverText('Größe überschritten (№ 5)')).toBe('Größe überschritten (№ 5)');
});

test('a text of a megabyte is cut before anything slow is done with it, and no part of a secret is left at the cut', () => {
  const began = performance.now();
  expect(serverText('x'.repeat(1_000_000))).toHaveLength(200);
  expect(serverText('hunter2horse'.repeat(80_000), ['hunter2horse'])).not.toMatch(/hunt|horse/);
  expect(performance.now() - began).toBeLessThan(1_000);
});
