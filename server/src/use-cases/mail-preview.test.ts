import { expect, test } from 'vitest';
import { PREVIEW_HEADERS, previewPage } from './mail-preview.ts';

const page = (html: string): string => previewPage({ text: '', html }).replace(/^[^]*<body>/, '');

test.each([
  ['<script>alert(1)</script>', /script|alert/],
  ['<img src=x onerror=alert(1)>', /img|onerror/],
  ['<img src="https://tracker.example/1.gif">', /tracker/],
  ['<svg><a xlink:href="javascript:alert(1)"><text>x</text></a></svg>', /svg|javascript/],
  ['<p style="background:url(https://tracker.example/x)">x</p>', /tracker|url/],
  ['<p style="background-color:red;position:fixed;top:0">x</p>', /position|fixed/],
  ['<style>@import "https://tracker.example/x.css"</style>x', /tracker|import/],
  ['<link rel=stylesheet href="https://tracker.example/x.css">', /tracker|link/],
  ['<a href="javascript:alert(1)">x</a>', /javascript/],
  ['<a href="JaVaScRiPt&#58;alert(1)">x</a>', /script/i],
  ['<a href="data:text/html,<script>1</script>">x</a>', /data:/],
  ['<iframe srcdoc="<script>1</script>"></iframe>', /iframe|script/],
  ['<form action="https://evil.example"><input name=password></form>', /form|input|evil/],
  ['<base href="https://evil.example">', /base|evil/],
  ['<meta http-equiv=refresh content="0;url=https://evil.example">', /evil|refresh/],
  ['<math><mtext><table><mglyph><style><!--</style><img src=x onerror=alert(1)>', /onerror=alert|<img/],
  ['</body></html><script>alert(1)</script>', /script|alert/],
  ['<object data="https://evil.example"></object><embed src="https://evil.example">', /evil/],
])('of %s nothing is left that runs, loads or leaves', (html, forbidden) => {
  expect(page(html)).not.toMatch(forbidden);
});

test('formatting stays, and a link opens a window that knows nothing of us', () => {
  expect(page('<p style="color:#f00"><b>Hi</b> <a href="https://example.org/x">there</a></p>')).toContain(
    '<p style="color:#f00"><b>Hi</b> <a href="https://example.org/x" target="_blank" rel="noopener noreferrer">there</a></p>',
  );
});

test('text is shown as it is', () => {
  expect(previewPage({ text: 'a <b>c</b> & d', html: null })).toContain('a &lt;b&gt;c&lt;/b&gt; &amp; d');
});

test('the policy of the page lets nothing load or run, whatever is in it', () => {
  const policy = PREVIEW_HEADERS['content-security-policy'];
  expect(policy).toContain("default-src 'none'");
  expect(policy).not.toMatch(/script-src|img-src|allow-scripts|allow-same-origin/);
});
