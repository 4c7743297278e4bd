/** What the ledger and the stream hold of one message. Pure. */
import type { MessageKey } from '@mailstream/shared/domain/message';
import { encodeEntry } from '@mailstream/shared/events/email-received';
import type { EventContext, ProcessedMail, ReceivedMail } from './ports/mail.ts';
import { buildPayload } from './core/event-builder.ts';

export function receivedMail(key: MessageKey, processed: ProcessedMail, context: EventContext): ReceivedMail {
  const { mail, raw } = processed;
  return {
    raw,
    messageId: mail.messageId,
    sender: mail.from?.email ?? null,
    subject: mail.subject,
    parseError: mail.parseError,
    entry: encodeEntry(key, buildPayload(key, processed, context)),
  };
}
