/**
 * What the farm answers: as much of RFC 9051 as a client needs that logs in, opens a folder read-only, lists, fetches and
 * idles. Anything else is BAD, so that a client that begins to ask for more is noticed and not measured against silence.
 */
import { type FarmMailbox, parseSet } from './farm-mailbox.ts';
import { internalDateOf, sizeOf, sliceOf, type MessageSpec } from './farm-message.ts';

export interface Command {
  readonly tag: string;
  /** Upper case; `UID FETCH` and `UID SEARCH` are one name. */
  readonly name: string;
  /** What follows the name. */
  readonly rest: string;
}

/** Pieces to be written in order. */
export type Answer = readonly (string | Buffer)[];

export const CAPABILITIES = 'IMAP4rev1 AUTH=PLAIN IDLE NAMESPACE ID ENABLE UIDPLUS';
const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];

export function parseCommand(line: string): Command {
  const [, tag = '*', name = '', rest = ''] = /^(\S+) ((?:UID )?\S+) ?(.*)$/is.exec(line) ?? [];
  return { tag, name: name.toUpperCase(), rest };
}

/** The user of a LOGIN; null when it is none. Passwords are not looked at. */
export function userOfLogin({ rest }: Command): string | null {
  return /^"?([^" ]+)"? /.exec(rest)?.[1] ?? null;
}

/** The user in a response of AUTHENTICATE PLAIN (RFC 4616). */
export function userOfPlain(response: string): string | null {
  const user = Buffer.from(response, 'base64').toString().split('\0')[1] ?? '';
  return user === '' ? null : user;
}

/** Answers to what needs no folder; null for another command. */
export function answerOutside({ tag, name }: Command): Answer | null {
  switch (name) {
    case 'CAPABILITY':
      return [`* CAPABILITY ${CAPABILITIES}\r\n${tag} OK done\r\n`];
    case 'NAMESPACE':
      return [`* NAMESPACE (("" "/")) NIL NIL\r\n${tag} OK done\r\n`];
    case 'ID':
      return [`* ID ("name" "farm")\r\n${tag} OK done\r\n`];
    case 'ENABLE':
      return [`* ENABLED\r\n${tag} OK done\r\n`];
    case 'LIST':
    case 'LSUB':
      return [`* ${name} (\\HasNoChildren) "/" INBOX\r\n${tag} OK done\r\n`];
    default:
      return null;
  }
}

export function answerExamine({ tag }: Command, mailbox: FarmMailbox): Answer {
  return [
    '* FLAGS (\\Answered \\Flagged \\Deleted \\Seen \\Draft)\r\n',
    `* ${mailbox.exists} EXISTS\r\n* 0 RECENT\r\n`,
    `* OK [UIDVALIDITY 1] ok\r\n* OK [UIDNEXT ${mailbox.uidNext}] ok\r\n`,
    `${tag} OK [READ-ONLY] done\r\n`,
  ];
}

export function answerSearch({ tag, rest }: Command, mailbox: FarmMailbox): Answer {
  const last = mailbox.uidNext - 1;
  let uids: readonly number[] | null = null;
  const words = rest.split(' ').filter((word) => word !== '');
  for (let at = 0; at < words.length; at += 1) {
    const word = (words[at] ?? '').toUpperCase();
    const isUid = word === 'UID';
    // Every message is younger than any day that is asked for.
    if (word === 'SINCE') at += 1;
    if (word === 'SINCE' || word === 'ALL') continue;
    const set = parseSet(isUid ? (words[(at += 1)] ?? '') : word, isUid ? last : mailbox.exists);
    if (set === null) return [`${tag} BAD the farm does not search for ${word}\r\n`];
    const found = mailbox.uidsIn(isUid ? set : mailbox.uidsOfSequence(set));
    uids = uids === null ? found : intersection(uids, found);
  }
  uids ??= mailbox.uidsIn([[1, last]]);
  return [`* SEARCH${uids.length === 0 ? '' : ` ${uids.join(' ')}`}\r\n${tag} OK done\r\n`];
}

function intersection(a: readonly number[], b: readonly number[]): readonly number[] {
  const other = new Set(b);
  return a.filter((uid) => other.has(uid));
}

/** One answer for each message, then the end: so that a large one is written when the client has taken those before it. */
export function* answersToFetch({ tag, rest }: Command, mailbox: FarmMailbox): Generator<Answer, void> {
  const [, set = '', list = ''] = /^(\S+) \(?([^()]*)\)?$/.exec(rest) ?? [];
  const intervals = parseSet(set, mailbox.uidNext - 1);
  const items = list.split(' ').filter((item) => item !== '');
  const unknown = items.find((item) => itemOf(item, null) === null);
  if (intervals === null || unknown !== undefined) {
    yield [`${tag} BAD the farm does not fetch ${unknown ?? rest.slice(0, 80)}\r\n`];
    return;
  }
  for (const uid of mailbox.uidsIn(intervals)) {
    const message = mailbox.message(uid);
    if (message === null) continue;
    const pieces: (string | Buffer)[] = [`* ${mailbox.sequenceOf(uid)} FETCH (`];
    for (const [index, item] of items.entries()) {
      if (index > 0) pieces.push(' ');
      pieces.push(...(itemOf(item, message) ?? []));
    }
    pieces.push(')\r\n');
    yield pieces;
  }
  yield [`${tag} OK done\r\n`];
}

/** @param message null asks only whether the item is known */
function itemOf(item: string, message: MessageSpec | null): Answer | null {
  const body = /^BODY(?:\.PEEK)?\[\](?:<(\d+)\.(\d+)>)?$/i.exec(item);
  const name = item.toUpperCase();
  if (body === null && !['UID', 'RFC822.SIZE', 'INTERNALDATE', 'FLAGS'].includes(name)) return null;
  if (message === null) return [];
  if (body !== null) {
    const start = Number(body[1] ?? 0);
    const pieces = sliceOf(message, start, Number(body[2] ?? Number.MAX_SAFE_INTEGER));
    const bytes = pieces.reduce((sum, piece) => sum + piece.length, 0);
    return [`BODY[]${body[1] === undefined ? '' : `<${start}>`} {${bytes}}\r\n`, ...pieces];
  }
  switch (name) {
    case 'UID':
      return [`UID ${message.uid}`];
    case 'RFC822.SIZE':
      return [`RFC822.SIZE ${sizeOf(message)}`];
    case 'INTERNALDATE':
      return [`INTERNALDATE "${dateText(internalDateOf(message))}"`];
    default:
      return ['FLAGS ()'];
  }
}

function dateText(date: Date): string {
  const two = (value: number): string => String(value).padStart(2, '0');
  const day = `${two(date.getUTCDate())}-${MONTHS[date.getUTCMonth()] ?? ''}-${date.getUTCFullYear()}`;
  return `${day} ${two(date.getUTCHours())}:${two(date.getUTCMinutes())}:${two(date.getUTCSeconds())} +0000`;
}
