import fc from 'fast-check';
import { buffer } from 'node:stream/consumers';
import { describe, expect, it } from 'vitest';
import { QuotedPrintableDecoder } from './mail-quoted-printable.ts';

async function decode(...chunks: (string | Buffer)[]): Promise<string> {
  const decoder = new QuotedPrintableDecoder();
  for (const chunk of chunks) decoder.write(Buffer.from(chunk as string, 'latin1'));
  decoder.end();
  return (await buffer(decoder)).toString('latin1');
}

describe('QuotedPrintableDecoder', () => {
  it.each([
    ['=41=42=c3=C4', 'AB\xc3\xc4'],
    ['soft=\r\nbreak', 'softbreak'],
    ['soft=\nbreak', 'softbreak'],
    ['padded=  \t\r\nbreak', 'paddedbreak'],
    ['blanks at the end  \t\r\nof a line', 'blanks at the end\r\nof a line'],
    ['blanks  inside', 'blanks  inside'],
    ['blanks at the very end   ', 'blanks at the very end'],
    ['an escaped blank=20\r\n', 'an escaped blank \r\n'],
    ['no escape: =G1 = 3=', 'no escape: =G1 = 3'],
    ['=', ''],
    ['', ''],
  ])('decodes %j', async (encoded, decoded) => {
    expect(await decode(encoded)).toBe(decoded);
  });

  it('decodes the same wherever the chunks are cut', async () => {
    const alphabet = fc.constantFrom('=', '4', '1', 'G', ' ', '\t', '\r', '\n', 'x');
    await fc.assert(
      fc.asyncProperty(
        fc.string({ unit: alphabet, maxLength: 60 }),
        fc.nat(60),
        fc.nat(60),
        async (text, a, b) => {
          const [first, second] = [Math.min(a, b), Math.max(a, b)];
          expect(await decode(text.slice(0, first), text.slice(first, second), text.slice(second))).toBe(
            await decode(text),
          );
        },
      ),
      { numRuns: 500 },
    );
  });
});
