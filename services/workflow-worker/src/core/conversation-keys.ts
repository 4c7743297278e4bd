/** What makes two messages part of one conversation, as far as the messages themselves tell. Pure. */
import type { EmailData } from '@mailstream/shared/events/email-received-schema';
import { ticketNumbersIn } from './reply-reference.ts';

/** The root and the nearest messages; a forged References header may be long. */
const NEAREST = 10;
const MAX_KEY = 200;

/**
 * Messages that share a key are handled in order. One key too many only makes two messages wait for each other for nothing, so what
 * the sender claims is good enough here.
 */
export function conversationKeys(
  tenant: string,
  { id, inReplyTo, references, subject }: Pick<EmailData, 'id' | 'inReplyTo' | 'references' | 'subject'>,
): readonly string[] {
  const ids = [
    id,
    ...(inReplyTo?.slice(0, 2000).match(/<[^<>\s]+>/g) ?? []).slice(0, NEAREST),
    ...references.slice(0, 1),
    ...references.slice(-NEAREST),
  ];
  const keys = [
    ...ids.map((one) => one.trim().slice(0, MAX_KEY)),
    ...ticketNumbersIn(subject).map((number) => `#${number}`),
  ];
  // The same Message-ID in two tenants is two messages, and neither may wait for the other.
  return [...new Set(keys.map((key) => `${tenant} ${key}`))];
}
