/**
 * Cuts a parsed message so that its event stays under 512 KiB (DESIGN section 6). What is cut is cut in a fixed order, each part
 * to its floor at most, until the rest fits: overlong header values, HTML, text, recipients, references, skip reasons,
 * attachments, and at last header fields from the bottom. The floors together fit, so this always ends below the limit.
 * The raw form in storage has everything.
 */
import type { IngressSkipReason } from '@mailstream/shared/events/email-received-schema';
import type { ParsedMail } from '../ports/mail.ts';
import { cutToJsonBytes, jsonBytes, mostJsonBytes } from './json-size.ts';

const KIB = 1024;
/** Of the 512 KiB of an entry; the rest is for the envelope, names and what the builder adds. */
export const MAX_MAIL_JSON_BYTES = 440 * KIB;
const CUT_MARK = '…[cut]';
const MAX_HEADER_VALUE_BYTES = 4 * KIB;
const TELLING_HEADERS =
  /^(auto-submitted|precedence|return-path|authentication-results|content-type|list-.*|x-auto.*|message-id|from|sender|feedback-id|x-loop|x-mailstream-.*|x-(precedence|mail-autoreply|vacation|boxtrapper|failed-recipients)|((x-)?(delivered-to|envelope-to))|x-original-to)$/i;
const FLOOR = {
  html: 16 * KIB,
  text: 64 * KIB,
  addressList: 24 * KIB,
  references: 16 * KIB,
  skipReasons: 24 * KIB,
  attachments: 112 * KIB,
} as const;

/** The same mail where it fits; else a copy that does. Same input, same cuts. */
export function fitMail(mail: ParsedMail, maxBytes: number = MAX_MAIL_JSON_BYTES): ParsedMail {
  if (mostJsonBytes(mail) <= maxBytes) return mail;
  let fitted = mail;
  for (const step of STEPS) {
    const excess = jsonBytes(fitted) - maxBytes;
    if (excess <= 0) return fitted;
    fitted = step(fitted, excess);
  }
  return fitted;
}

type Step = (mail: ParsedMail, excess: number) => ParsedMail;

const STEPS: readonly Step[] = [
  (mail) => ({ ...mail, headers: mail.headers.map(cutHeaderValue) }),
  (mail, excess) => (mail.html === null ? mail : { ...mail, html: cutBody(mail.html, excess, FLOOR.html) }),
  (mail, excess) => ({ ...mail, text: cutBody(mail.text, excess, FLOOR.text) }),
  cutRecipients,
  (mail, excess) => ({
    ...mail,
    references: keepEnds(mail.references, allowed(mail.references, excess, FLOOR.references)),
  }),
  (mail, excess) => ({
    ...mail,
    skipReasons: keepFirst(mail.skipReasons, allowed(mail.skipReasons, excess, FLOOR.skipReasons)),
  }),
  (mail, excess) => ({
    ...mail,
    attachments: keepFirst(mail.attachments, allowed(mail.attachments, excess, FLOOR.attachments)),
  }),
  (mail, excess) => {
    const headers = keepHeaders(mail.headers, jsonBytes(mail.headers) - excess - KIB);
    if (headers.length === mail.headers.length) return mail;
    return {
      ...mail,
      headers,
      skipReasons: [...mail.skipReasons, cutReason('headers', mail.headers, headers)],
    };
  },
];

/** No more is cut than is too much, and nothing below its floor. */
function allowed(part: unknown, excess: number, floor: number): number {
  return Math.max(floor, jsonBytes(part) - excess);
}

function cutHeaderValue(header: ParsedMail['headers'][number]): ParsedMail['headers'][number] {
  const value = cutToJsonBytes(header.value, MAX_HEADER_VALUE_BYTES);
  const name = cutToJsonBytes(header.name, 256);
  if (value === header.value && name === header.name) return header;
  return { name, value: value === header.value ? value : value + CUT_MARK };
}

function cutBody(body: string, excess: number, floor: number): string {
  // The quotes around it are not part of it.
  return cutToJsonBytes(body, allowed(body, excess + 2, floor));
}

/** From the list that matters least to the one that matters most. */
function cutRecipients(mail: ParsedMail, excess: number): ParsedMail {
  const lists = ['bcc', 'cc', 'to', 'replyTo'] as const;
  const whole = lists.flatMap((list) => mail[list]);
  let fitted = mail;
  // Room for the reason.
  let left = excess + KIB;
  for (const list of lists) {
    const kept = keepFirst(mail[list], allowed(mail[list], left, FLOOR.addressList));
    left -= jsonBytes(mail[list]) - jsonBytes(kept);
    fitted = { ...fitted, [list]: kept };
    if (left <= 0) break;
  }
  const kept = lists.flatMap((list) => fitted[list]);
  if (kept.length === whole.length) return mail;
  return { ...fitted, skipReasons: [...mail.skipReasons, cutReason('recipients', whole, kept)] };
}

/** `size` is the number in the message, `cap` the number in the event. */
function cutReason(
  type: 'recipients' | 'headers',
  whole: readonly unknown[],
  left: readonly unknown[],
): IngressSkipReason {
  return { type, reason: `${type}_cut`, size: whole.length, cap: left.length };
}

function keepFirst<Item>(items: readonly Item[], maxBytes: number): readonly Item[] {
  let bytes = 2;
  for (const [index, item] of items.entries()) {
    bytes += jsonBytes(item) + 1;
    if (bytes > maxBytes) return items.slice(0, index);
  }
  return items;
}

/** From the top, but those that say what kind of message this is before all others. */
function keepHeaders(headers: ParsedMail['headers'], maxBytes: number): ParsedMail['headers'] {
  const numbered = headers.map((header, index) => ({
    header,
    index,
    isTelling: TELLING_HEADERS.test(header.name),
  }));
  const byWeight = [
    ...numbered.filter(({ isTelling }) => isTelling),
    ...numbered.filter(({ isTelling }) => !isTelling),
  ];
  const count = keepFirst(
    byWeight.map(({ header }) => header),
    maxBytes,
  ).length;
  return byWeight
    .slice(0, count)
    .toSorted((a, b) => a.index - b.index)
    .map(({ header }) => header);
}

/** The first reference is the root of the thread, the last ones are the nearest: both matter, the middle does not. */
function keepEnds(items: readonly string[], maxBytes: number): readonly string[] {
  if (jsonBytes(items) <= maxBytes) return items;
  const [first = '', ...rest] = items;
  return [first, ...[...keepFirst(rest.toReversed(), maxBytes - jsonBytes(first) - 3)].toReversed()];
}
