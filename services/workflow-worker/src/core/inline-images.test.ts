import { describe, expect, it } from 'vitest';
import { bareContentId, rewriteInlineImages } from './inline-images.ts';

const ids = new Map([
  ['logo@x', 'id-1'],
  ['a b', 'id-2'],
]);

describe('rewriteInlineImages', () => {
  it('makes references to attachments of the mail refer to what is stored, in any spelling', () => {
    const { html, shown } = rewriteInlineImages(
      `<img src="cid:logo@x"><img src='CID:logo%40x'><img src=cid:logo@x><p style="background:url(cid:a%20b)">`,
      ids,
    );
    expect(html).toBe(
      `<img src="attachment:id-1"><img src='attachment:id-1'><img src=attachment:id-1><p style="background:url(attachment:id-2)">`,
    );
    expect([...shown]).toEqual(['id-1', 'id-2']);
  });

  it('leaves everything else alone: unknown references, broken escapes, text that only looks alike', () => {
    const html = '<img src="cid:nobody@x"><img src="cid:%"><p>placid:logo@x</p>';
    expect(rewriteInlineImages(html, ids)).toEqual({ html, shown: new Set() });
  });

  it('takes time in proportion to the HTML', () => {
    const time = (repeats: number): number => {
      const began = performance.now();
      rewriteInlineImages('"cid:'.repeat(repeats) + ' cid:'.repeat(repeats), ids);
      return performance.now() - began;
    };
    time(10_000);
    expect(time(200_000)).toBeLessThan(2_000);
  });
});

describe('bareContentId', () => {
  it('knows a Content-ID with and without brackets as the same', () => {
    expect(bareContentId(' <logo@x> ')).toBe('logo@x');
    expect(bareContentId('logo@x')).toBe('logo@x');
  });
});
