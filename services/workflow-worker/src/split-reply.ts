/** Both bodies of a message without the earlier conversation that they quote. The original stays in the event and in storage. */
import type { EmailData } from '@mailstream/shared/events/email-received-schema';
import { isForwardSubject, splitReplyText } from './core/reply-text.ts';
import { splitReplyHtml } from './reply-html.ts';

export interface SplitReply {
  readonly text: string;
  /** Null where the message has no HTML. Not sanitised. */
  readonly html: string | null;
  /** What was cut from the text: the earlier conversation and the signature. Empty where nothing was. */
  readonly quotedText: string;
  readonly quotedHtml: string;
}

/**
 * Answers between quoted lines and forwarded messages stay; where nothing would be left, everything stays. Linear in the length of
 * both bodies. Pure.
 */
export function splitReply({ body, subject }: Pick<EmailData, 'body' | 'subject'>): SplitReply {
  const text = splitReplyText(body.text, subject);
  if (body.html === undefined) {
    return { text: text.visible, html: null, quotedText: text.quoted, quotedHtml: '' };
  }
  const html = splitReplyHtml(body.html, isForwardSubject(subject));
  // Markup says what words do not: an attribution in a language that nobody listed.
  const isOnlyInMarkup = html.quoted !== '' && text.quoted === '' && html.text.trim() !== '';
  return {
    text: isOnlyInMarkup ? html.text : text.visible,
    html: html.visible,
    quotedText: isOnlyInMarkup ? body.text : text.quoted,
    quotedHtml: html.quoted,
  };
}
