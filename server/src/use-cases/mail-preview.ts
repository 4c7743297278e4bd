/**
 * A stranger's mail as a page of its own: sanitised, without anything that loads, and under a policy that would let nothing load or run even
 * if the sanitiser missed it. It is shown in a sandboxed frame, whose origin is nobody's.
 */
import sanitize from 'sanitize-html';

/** Longer ones are cut: a person reads no more, and the sanitiser has to end. */
const MAX_HTML = 500_000;
const MAX_TEXT = 200_000;

const SIZE = /^\d{1,4}(?:\.\d+)?(?:px|em|rem|pt|%)$/;
const COLOR = /^(?:#[0-9a-f]{3,8}|rgba?\([\d\s.,%]+\)|[a-z]{3,20})$/i;
const WORD = /^[a-z-]{2,20}$/;

const OPTIONS: sanitize.IOptions = {
  allowedTags: [
    ...[
      'p',
      'br',
      'hr',
      'div',
      'span',
      'b',
      'strong',
      'i',
      'em',
      'u',
      's',
      'small',
      'sub',
      'sup',
      'font',
      'center',
    ],
    ...[
      'blockquote',
      'pre',
      'code',
      'h1',
      'h2',
      'h3',
      'h4',
      'h5',
      'h6',
      'ul',
      'ol',
      'li',
      'dl',
      'dt',
      'dd',
      'a',
    ],
    ...['table', 'caption', 'thead', 'tbody', 'tfoot', 'tr', 'th', 'td'],
  ],
  allowedAttributes: {
    '*': ['style', 'align', 'dir', 'lang', 'title'],
    a: ['href', 'target', 'rel'],
    td: ['colspan', 'rowspan'],
    th: ['colspan', 'rowspan'],
  },
  // Nothing with an address in it, and nothing that lays a thing over another.
  allowedStyles: {
    '*': {
      color: [COLOR],
      'background-color': [COLOR],
      'text-align': [WORD],
      'text-decoration': [WORD],
      'font-weight': [/^(?:\d{3}|[a-z]{4,7})$/],
      'font-style': [WORD],
      'font-size': [SIZE],
      padding: [SIZE],
      margin: [SIZE],
    },
  },
  allowedSchemes: ['http', 'https', 'mailto', 'tel'],
  allowProtocolRelative: false,
  disallowedTagsMode: 'discard',
  nestingLimit: 100,
  transformTags: {
    a: (tagName, { href, ...attributes }) => ({
      tagName,
      attribs: {
        ...attributes,
        ...(href === undefined ? {} : { href }),
        target: '_blank',
        rel: 'noopener noreferrer',
      },
    }),
  },
};

/** Headers of the page. A link may open a window of its own, and nothing else leaves the frame. */
export const PREVIEW_HEADERS: Readonly<Record<string, string>> = {
  'content-type': 'text/html; charset=utf-8',
  'content-security-policy':
    "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'self'; sandbox allow-popups allow-popups-to-escape-sandbox",
  'x-frame-options': 'SAMEORIGIN',
  'x-content-type-options': 'nosniff',
  'cache-control': 'no-store',
};

export interface MailBody {
  readonly text: string;
  readonly html: string | null;
}

export function previewPage({ text, html }: MailBody): string {
  const body =
    html === null
      ? `<pre>${escaped(text.slice(0, MAX_TEXT))}</pre>`
      : sanitize(html.slice(0, MAX_HTML), OPTIONS);
  return `<!doctype html>
<html lang="und">
<meta charset="utf-8">
<meta name="color-scheme" content="light">
<title>Mail</title>
<style>
body { font: 14px/1.5 system-ui, sans-serif; margin: 12px; background: #fff; color: #000; overflow-wrap: anywhere }
pre { white-space: pre-wrap; font: inherit; margin: 0 }
table { max-width: 100% }
</style>
<body>${body}</body>
</html>
`;
}

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}
