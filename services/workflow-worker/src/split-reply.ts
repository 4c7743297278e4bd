/** Both bodies of a message without the earlier conversation that they quote. The original stays in the event and in storage. */
import type { EmailData } from '@mailstream/shared/events/email-received';
import { splitReplyText } from './core/reply-text.ts';

export interface SplitReply {
  readonly text: string;
  /** Null where the message has no HTML. Not sanitised. */
  readonly html: string | null;
  /** What was cut from the text: the earlier conversation and the signature. Empty where nothing was. */
  readonly quotedText: string;
  readonly quotedHtml: string | null;
}

export function splitReply(body: EmailData['body']): SplitReply {
  const text = splitReplyText(body.text);
  return { text: text.visible, html: body.html ?? null, quotedText: text.quoted, quotedHtml: null };
}
