import { headerLine } from './mail-address.ts';

const TICKET_TAG = /\[[^\][]{0,60}#\d{1,15}\]/g;
const ANSWER_PREFIXES = /^(?:\s*(?:re|aw|sv|antw)\s*:\s*)+/i;

/** `Re: Printer broken [#123]`: one `Re:`, one tag, and that the right one. */
export function answerSubject(subject: string, number: number): string {
  const bare = headerLine(subject, 2_000).replaceAll(TICKET_TAG, ' ').replace(ANSWER_PREFIXES, '');
  return `Re: ${headerLine(bare, 200)} [#${number}]`;
}
