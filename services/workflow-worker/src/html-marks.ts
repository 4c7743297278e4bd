/**
 * How mail programs mark the earlier conversation in HTML: by ids, classes and attributes that survive from version to version.
 * Webmail that shows one message in another puts `x_` before the names.
 */
import type { LineHint } from './core/reply-lines.ts';

export interface ElementFacts {
  readonly name: string;
  readonly id: string;
  readonly className: string;
  readonly style: string;
  readonly type: string;
  readonly dataMarker: string;
}

export interface ElementMark {
  /** `maybe`: a quote only below a line that ends with a colon. */
  readonly quote: 'yes' | 'maybe' | 'no';
  /** For every line inside; `old` and `forward` for the first line from here on. */
  readonly hint: LineHint | null;
}

const NOTHING: ElementMark = { quote: 'no', hint: null };
const HINT_BY_NAME: Readonly<Record<string, LineHint>> = {
  // Gmail, Thunderbird
  gmail_attr: 'attribution',
  'moz-cite-prefix': 'attribution',
  'moz-forward-container': 'forward',
  gmail_signature: 'signature',
  'moz-signature': 'signature',
  // Outlook for the web, for Mac, for phones, old ones
  divrplyfwdmsg: 'old',
  appendonsend: 'old',
  'mail-editor-reference-message-container': 'old',
  olk_src_body_section: 'old',
  outlookmessageheader: 'old',
  'ms-outlook-mobile-reference-message': 'old',
  'ms-outlook-mobile-signature': 'signature',
  // Yahoo, Zimbra
  yahoo_quoted: 'old',
  __divider__: 'old',
};
const QUOTE_CLASS = /(?:^|[\s_-])(?:quote|cite|gmail_quote|iosymail)(?:$|[\s_-])/;
const QUOTE_STYLE = /border-(?:left|inline-start)\s*:(?!\s*(?:0|none))/;
const INDENT_STYLE = /border\s*:\s*(?:none|0)/;

export function markOf({ name, id, className, style, type, dataMarker }: ElementFacts): ElementMark {
  const names = [id, dataMarker, ...className.split(/\s+/).slice(0, 20)].map(plainName);
  const hint = names.map((one) => HINT_BY_NAME[one]).find((one) => one !== undefined) ?? null;
  if (name !== 'blockquote') {
    if (hint !== null) return { quote: 'no', hint };
    return names.includes('protonmail_quote') ? { quote: 'maybe', hint: null } : NOTHING;
  }
  const isCited = type === 'cite' || QUOTE_CLASS.test(className) || QUOTE_STYLE.test(style);
  if (isCited) return { quote: 'yes', hint };
  // Gmail and Outlook indent paragraphs with it.
  return INDENT_STYLE.test(style) ? { quote: 'no', hint } : { quote: 'maybe', hint };
}

function plainName(name: string): string {
  return name
    .toLowerCase()
    .replace(/^(?:x_)+/, '')
    .replace(/^(yahoo_quoted)_\d+$/, '$1');
}
