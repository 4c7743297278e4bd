/** What the ledger and the stream are told of one message of a run. */
import type { EmailReceivedEntry } from '@mailstream/shared/events/email-received';
import type { AttemptMode } from './core/sync-plan.ts';
import type { FetchedMessage } from './ports/imap.ts';
import type { NewMessage } from './ports/ledger.ts';
import type { ReceivedMail } from './ports/mail.ts';

export interface RunMessage {
  readonly record: NewMessage;
  /** Null for a dead letter. */
  readonly entry: EmailReceivedEntry | null;
}

/** @param now in place of an INTERNALDATE that the server did not give */
export function recordOf(
  message: FetchedMessage,
  mail: ReceivedMail,
  mode: AttemptMode,
  now: Date,
): RunMessage {
  const isDead = mode !== 'full';
  const record: NewMessage = {
    uid: message.uid,
    messageId: mail.messageId,
    contentHash: mail.raw.sha256,
    size: mail.raw.size,
    internalDate: message.internalDate ?? now,
    emailId: message.emailId,
    sender: mail.sender,
    subject: mail.subject,
    storageKey: mail.raw.storageKey,
    status: isDead ? 'dead_letter' : 'received',
    reason: isDead ? 'PARSER_KILLED' : mail.parseError === null ? null : `parse: ${mail.parseError}`,
  };
  return { record, entry: isDead ? null : mail.entry };
}

/** One whose parser ended even when it read the header only: nothing is known of it but that it was there. */
export function givenUp(uid: number): RunMessage {
  const unknown = {
    messageId: null,
    contentHash: null,
    size: 0,
    internalDate: null,
    emailId: null,
    sender: null,
  };
  const record: NewMessage = {
    uid,
    ...unknown,
    subject: null,
    storageKey: null,
    status: 'dead_letter',
    reason: 'PARSER_KILLED',
  };
  return { record, entry: null };
}
