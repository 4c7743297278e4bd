/**
 * Marks by which mail that Mailstream itself sent is known when it comes back. The outbound queue sets them on everything it
 * sends; the worker never answers a message that bears one. They are no proof of anything: anybody can write them, and gains by it
 * only that the own message is taken for a machine's.
 */
import type { HeaderField } from './header-fields.ts';

/** Value: the kind of mail (`acknowledgement`, `reply`). Any field whose name begins with `x-mailstream-` counts. */
export const OWN_MAIL_HEADER = 'X-Mailstream-Mail';
const OWN_HEADER_PREFIX = 'x-mailstream-';
export const LOOP_HEADER = 'X-Loop';
/** Value of `X-Loop`; that of others (Debian's list software, procmail recipes) means nothing to us. */
export const LOOP_VALUE = 'mailstream';

const ID_PREFIX = 'ms.';
/** `<ms.<ticketish>.<random>@domain>`, see {@link ownMessageId}. */
const OWN_MESSAGE_ID = /^<ms\.[a-z0-9-]{1,64}\.[a-z0-9]{16,64}@[^@<>\s]{1,255}>$/i;

/**
 * Message-ID of a mail we send. `ticketish` groups the mails of a ticket for people who read headers and is never read back;
 * `random` has at least 16 letters and digits (80 bits in base 32), so that a stranger who knows one id cannot guess the next.
 * @throws RangeError where the parts do not give an id of this form
 */
export function ownMessageId(parts: {
  readonly ticketish: string;
  readonly random: string;
  readonly domain: string;
}): string {
  const id = `<${ID_PREFIX}${parts.ticketish}.${parts.random}@${parts.domain}>`;
  if (!OWN_MESSAGE_ID.test(id)) throw new RangeError('these parts do not make a Message-ID of ours');
  return id;
}

/** By its form alone; whether we sent it stands in the database. */
export function isOwnMessageId(id: string): boolean {
  return id.length <= 400 && OWN_MESSAGE_ID.test(id.trim());
}

export function hasOwnHeader(headers: readonly HeaderField[]): boolean {
  return headers.some(({ name, value }) => {
    const lower = name.toLowerCase();
    if (lower.startsWith(OWN_HEADER_PREFIX)) return true;
    return lower === 'x-loop' && value.trim().toLowerCase() === LOOP_VALUE;
  });
}
