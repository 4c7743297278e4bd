/** HTML that an agent wrote, as it may leave the house: formatting, links and tables; nothing that runs, loads or sends anything. */
import sanitize from 'sanitize-html';

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
      'sub',
      'sup',
      'blockquote',
      'pre',
      'code',
    ],
    ...['h1', 'h2', 'h3', 'h4', 'ul', 'ol', 'li', 'a', 'table', 'thead', 'tbody', 'tr', 'th', 'td'],
  ],
  allowedAttributes: { a: ['href', 'title'], td: ['colspan', 'rowspan'], th: ['colspan', 'rowspan'] },
  allowedSchemes: ['http', 'https', 'mailto', 'tel'],
  allowProtocolRelative: false,
  disallowedTagsMode: 'discard',
  nestingLimit: 50,
};

export function answerHtml(html: string): string {
  return sanitize(html, OPTIONS).trim();
}

/** For programs that show no HTML: one line for each block. */
export function answerText(html: string): string {
  const broken = html.replaceAll(/<(?:br|\/p|\/div|\/li|\/tr|\/h[1-4])\b[^>]*>/gi, '$&\n');
  const text = sanitize(broken, { allowedTags: [], allowedAttributes: {} });
  const entities: Readonly<Record<string, string>> = {
    '&amp;': '&',
    '&lt;': '<',
    '&gt;': '>',
    '&quot;': '"',
  };
  return text
    .replaceAll(/&(?:amp|lt|gt|quot);/g, (entity) => entities[entity] ?? entity)
    .replaceAll(/[ \t]+\n/g, '\n')
    .replaceAll(/\n{3,}/g, '\n\n')
    .trim();
}
