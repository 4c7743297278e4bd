/**
 * What in a message may name the conversation that it belongs to, strongest first: reply tokens, Message-IDs, numbers in the subject.
 * All of it is written by the sender. These are candidates; who may use which one is decided where the ticket is looked up.
 */
import { valuesOf } from '@mailstream/shared/domain/header-fields';
import { tokenInAddress, tokensInBody } from '@mailstream/shared/domain/reply-token';
import type { EmailData } from '@mailstream/shared/events/email-received-schema';

export interface ReplyReferences {
  /** From addresses before those from bodies; lower case, hash them with `hashReplyToken`. */
  readonly tokens: readonly string[];
  /** In-Reply-To, then References from the newest; with angle brackets as sent, without the message's own. */
  readonly messageIds: readonly string[];
  /** Of tags such as `[#123]`; usable only together with a known participant. */
  readonly ticketNumbers: readonly number[];
}

/** Real threads are found by their nearest messages; more is a flood. */
const MAX_MESSAGE_IDS = 50;
const MAX_MESSAGE_ID_LENGTH = 998;
const MAX_TOKENS = 10;
const MAX_TOKEN_PLACES = 50;
/** Characters of each body that are searched for tokens: more than an event carries. */
const MAX_SEARCHED_BODY = 1024 * 1024;
const MAX_RECIPIENTS = 200;
const MAX_TICKET_NUMBERS = 3;
const MAX_SUBJECT = 998;
/** Where servers note the address that a message was really for. */
const RECIPIENT_HEADERS = ['delivered-to', 'x-original-to', 'envelope-to', 'x-envelope-to', 'x-delivered-to'];
/** `[#123]`, `[Ticket #123]`, `[Acme-Support #123]`, `[Ticket: 123]`: at most 40 characters and one number. */
const TICKET_TAG = /\[(?:[\p{L}\p{N}][^\][#]{0,39})?#(\d{1,15})\]/gu;

export function findReplyReferences(email: EmailData): ReplyReferences {
  return {
    tokens: tokensOf(email),
    messageIds: messageIdsOf(email),
    ticketNumbers: ticketNumbersIn(email.subject),
  };
}

function tokensOf({ to, cc, bcc, headers, body }: EmailData): readonly string[] {
  const addresses = [
    ...[...to, ...cc, ...bcc].slice(0, MAX_RECIPIENTS).map(({ email }) => email),
    ...RECIPIENT_HEADERS.flatMap((name) => valuesOf(headers, name).slice(0, MAX_TOKENS)).map(addressOf),
  ];
  const bodies = [body.text, body.html ?? ''].map((text) => text.slice(0, MAX_SEARCHED_BODY));
  const found = [
    ...addresses.map(tokenInAddress).filter((token) => token !== null),
    ...bodies.flatMap((text) => tokensInBody(text, MAX_TOKEN_PLACES)),
  ];
  return [...new Set(found)].slice(0, MAX_TOKENS);
}

function addressOf(value: string): string {
  return value.slice(0, MAX_SUBJECT).trim().replace(/^<|>$/g, '');
}

/** In-Reply-To first, then References from the end: its last is the direct parent (RFC 5322 section 3.6.4). */
function messageIdsOf({ id, inReplyTo, references }: EmailData): readonly string[] {
  const nearestFirst = [
    ...(inReplyTo === undefined ? [] : idsAmongWords(inReplyTo)),
    ...references.toReversed(),
  ];
  const usable = nearestFirst
    .map((reference) => reference.trim().replaceAll('\u0000', '\ufffd'))
    .filter((reference) => reference !== '' && reference.length <= MAX_MESSAGE_ID_LENGTH && reference !== id);
  return [...new Set(usable)].slice(0, MAX_MESSAGE_IDS);
}

/** Some programs put several ids, or words, into In-Reply-To. */
function idsAmongWords(inReplyTo: string): readonly string[] {
  return inReplyTo.slice(0, 10 * MAX_MESSAGE_ID_LENGTH).match(/<[^<>\s]+>/g) ?? [inReplyTo];
}

/** Numbers in tags of a subject, each once, the first few. */
export function ticketNumbersIn(subject: string): readonly number[] {
  const numbers = [...subject.slice(0, MAX_SUBJECT).matchAll(TICKET_TAG)].map((match) => Number(match[1]));
  return [...new Set(numbers.filter((number) => number > 0))].slice(0, MAX_TICKET_NUMBERS);
}
