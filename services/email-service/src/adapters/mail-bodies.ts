/** From the tree of text parts to one text and one HTML body. */
import { htmlToText } from './mail-html-text.ts';

/** A multipart with its children, or a text part with its content. */
export interface TextTree {
  /** Lower case, without parameters. */
  readonly contentType: string;
  /** Decoded; null for a multipart or anything that is not a body. */
  readonly content: string | null;
  readonly children: readonly TextTree[];
}

interface Bodies {
  readonly text: string | null;
  readonly html: string | null;
}

const SEPARATOR = { text: '\n', html: '<br/>\n' } as const;

/**
 * Alternatives say the same twice: each body takes its own form. Everywhere else the parts follow each other, so what exists in
 * one form only is converted into the other: a text footer under an HTML message belongs to both bodies.
 */
export function assembleBodies(tree: TextTree): { readonly text: string; readonly html: string | null } {
  const { text, html } = render(tree);
  // Some writers send an empty alternative beside the HTML.
  const hasText = text !== null && (html === null || text.trim() !== '');
  return { text: hasText ? text : htmlToText(html ?? ''), html };
}

function render(node: TextTree): Bodies {
  if (node.content !== null) {
    return node.contentType === 'text/html'
      ? { text: null, html: node.content }
      : { text: node.content, html: null };
  }
  const parts = node.children.map(render).filter((part) => part.text !== null || part.html !== null);
  const hasText = parts.some((part) => part.text !== null);
  const hasHtml = parts.some((part) => part.html !== null);
  const isAlternative = node.contentType === 'multipart/alternative';
  const texts = parts.map(
    (part) => part.text ?? (isAlternative || part.html === null ? null : htmlToText(part.html)),
  );
  const htmls = parts.map(
    (part) => part.html ?? (isAlternative || part.text === null ? null : textToHtml(part.text)),
  );
  return { text: hasText ? join(texts, 'text') : null, html: hasHtml ? join(htmls, 'html') : null };
}

function join(parts: readonly (string | null)[], form: keyof typeof SEPARATOR): string {
  return parts.filter((part) => part !== null).join(SEPARATOR[form]);
}

function textToHtml(text: string): string {
  const escaped = text.replace(/[&<>"]/g, (char) => `&#${char.charCodeAt(0)};`);
  return `<div style="white-space: pre-wrap">${escaped}</div>`;
}
