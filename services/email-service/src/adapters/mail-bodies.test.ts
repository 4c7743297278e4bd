import { describe, expect, it } from 'vitest';
import { assembleBodies, type TextTree } from './mail-bodies.ts';
import { htmlToText } from './mail-html-text.ts';

const text = (content: string): TextTree => ({ contentType: 'text/plain', content, children: [] });
const html = (content: string): TextTree => ({ contentType: 'text/html', content, children: [] });
const multi = (subtype: string, ...children: TextTree[]): TextTree => ({
  contentType: `multipart/${subtype}`,
  content: null,
  children,
});
const other: TextTree = { contentType: 'image/png', content: null, children: [] };

describe('assembleBodies', () => {
  it('takes each form of an alternative once', () => {
    const tree = multi(
      'mixed',
      multi('alternative', text('plain'), multi('related', html('<b>rich</b>'), other)),
      other,
    );
    expect(assembleBodies(tree)).toEqual({ text: 'plain', html: '<b>rich</b>' });
  });

  it('makes text of HTML where there is only HTML', () => {
    expect(assembleBodies(multi('alternative', html('<p>a</p><p>b</p>')))).toEqual({
      text: 'a\n\nb',
      html: '<p>a</p><p>b</p>',
    });
  });

  it('puts a text footer into both bodies', () => {
    const bodies = assembleBodies(multi('mixed', html('<p>mail</p>'), text('footer & <more>')));
    expect(bodies.text).toBe('mail\nfooter & <more>');
    expect(bodies.html).toContain('<p>mail</p>');
    expect(bodies.html).toContain('footer &#38; &#60;more&#62;');
  });

  it('joins several texts and makes no HTML of them', () => {
    expect(assembleBodies(multi('mixed', text('one'), other, text('two')))).toEqual({
      text: 'one\ntwo',
      html: null,
    });
  });

  it('makes text of the HTML when the text beside it is empty', () => {
    expect(assembleBodies(multi('alternative', text(' \n'), html('<p>a</p>'))).text).toBe('a');
  });

  it('gives empty text for a message without a body', () => {
    expect(assembleBodies(multi('mixed', other))).toEqual({ text: '', html: null });
  });
});

describe('htmlToText', () => {
  it.each([
    ['<p>a</p><p>b</p>', 'a\n\nb'],
    ['a<br>b<br/>c', 'a\nb\nc'],
    ['a   \n  b', 'a b'],
    ['a &amp; b &lt;c&gt; &#8364;', 'a & b <c> €'],
    ['<style>p{}</style><script>x<y</script><title>t</title>shown', 'shown'],
    ['<head><title>t</title><body>shown', 'shown'],
    ['<ul><li>one<li>two</ul>', '* one\n* two'],
    ['<tr><td>a</td><td>b</td></tr>', 'a b'],
    ['<a href="https://x.example/y">here</a>', 'here <https://x.example/y>'],
    ['<a href="mailto:a@x.example">a@x.example</a>', 'a@x.example'],
    ['<a href="javascript:alert(1)">here</a>', 'here'],
    ['<img alt="logo" src="x">', 'logo'],
    ['<svg><text>no</text></svg>yes', 'yes'],
    ['<!-- no --><![CDATA[no]]>yes', 'yes'],
    ['a<b', 'a'],
    ['&#0;&#xD800;', '\uFFFD\uFFFD'],
    ['', ''],
  ])('of %j', (source, expected) => {
    expect(htmlToText(source)).toBe(expected);
  });
});
