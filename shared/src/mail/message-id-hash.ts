import { createHash } from 'node:crypto';

/**
 * What `ticket_message_ids.id_hash` holds: an id may be longer than an index row. Whoever sends mail about a ticket stores the hash of
 * its Message-ID there with kind `sent`, or the answers to it do not find the ticket.
 * @param messageId with its angle brackets
 */
export function messageIdHash(messageId: string): Buffer {
  return createHash('sha256').update(messageId.trim(), 'utf8').digest();
}
