/** The new part of a plain-text reply, and what it quotes. */
import { linesOf } from './reply-lines.ts';
import { planReply } from './reply-plan.ts';
import { FORWARD_PREFIXES } from './reply-words.ts';

export interface ReplyText {
  /** What the sender wrote now, with answers between quoted lines and with forwarded messages; never empty where the text is not. */
  readonly visible: string;
  /** What was cut, in its order: the earlier conversation and the signature. Empty where nothing was. */
  readonly quoted: string;
}

/**
 * Linear in the length of the text. Lines end with LF in the result. For a message use `splitReply`, which knows its subject and its
 * HTML as well.
 */
export function splitReplyText(text: string, subject = ''): ReplyText {
  const lines = linesOf(text);
  const { kept, isCut } = planReply(lines, { isForward: isForwardSubject(subject) });
  const stays = new Set(kept);
  return {
    visible: kept.map((at) => lines[at]?.raw ?? '').join('\n'),
    quoted: isCut
      ? lines
          .filter((_, at) => !stays.has(at))
          .map(({ raw }) => raw)
          .join('\n')
          .trim()
      : '',
  };
}

const LIST_TAG = /^\s*(?:\[[^\]]{0,60}\]\s*)?/;

/** By the prefix that stands first: "Re: Fwd: x" is a reply. */
export function isForwardSubject(subject: string): boolean {
  const start = subject.slice(0, 200).normalize('NFC').toLowerCase().replace(LIST_TAG, '');
  const prefix = /^([^:：\s[]{1,12})\s?(?:\[\d+\])?[:：]/.exec(start)?.[1];
  return prefix !== undefined && FORWARD_PREFIXES.includes(prefix);
}
