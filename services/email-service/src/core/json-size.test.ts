import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { cutToJsonBytes, jsonBytes, mostJsonBytes } from './json-size.ts';
import { shortText, storableText } from './storable-text.ts';

const anyText = fc.string({
  unit: fc.integer({ min: 0, max: 0xffff }).map((code) => String.fromCharCode(code)),
});

describe('cutToJsonBytes', () => {
  it('gives the longest beginning that fits, for any text and any limit', () => {
    fc.assert(
      fc.property(anyText, fc.nat(200), (text, limit) => {
        const cut = cutToJsonBytes(text, limit);
        expect(text.startsWith(cut)).toBe(true);
        expect(jsonBytes(cut) - 2).toBeLessThanOrEqual(limit);
        if (cut === text) return;
        const isPair = (text.codePointAt(cut.length) ?? 0) > 0xffff;
        const oneMore = text.slice(0, cut.length + (isPair ? 2 : 1));
        expect(jsonBytes(oneMore) - 2).toBeGreaterThan(limit);
      }),
    );
  });
});

describe('mostJsonBytes', () => {
  it('is never below what the JSON form takes', () => {
    const { tree } = fc.letrec((tie) => ({
      tree: fc.oneof(
        anyText,
        fc.double(),
        fc.boolean(),
        fc.constant(null),
        fc.date(),
        fc.array(tie('tree'), { maxLength: 4 }),
        fc.dictionary(anyText, tie('tree'), { maxKeys: 4 }),
      ),
    }));
    fc.assert(
      fc.property(tree, (value) => {
        expect(mostJsonBytes(value)).toBeGreaterThanOrEqual(jsonBytes(value));
      }),
    );
  });
});

describe('storableText', () => {
  it('leaves nothing that PostgreSQL or UTF-8 refuses, and everything else alone', () => {
    fc.assert(
      fc.property(anyText, (text) => {
        const storable = storableText(text);
        expect(Buffer.from(storable, 'utf8').toString('utf8')).toBe(storable);
        expect(storable).not.toContain('\0');
        expect(storable.length).toBe(text.length);
      }),
    );
    expect(storableText('a\0b\ud800c😀')).toBe('a\uFFFDb\uFFFDc😀');
  });
});

describe('shortText', () => {
  it('cuts no character in half', () => {
    expect(shortText('ab😀cd', 3)).toBe('ab…');
    expect(shortText('short', 10)).toBe('short');
  });
});
