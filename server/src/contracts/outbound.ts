/** Mail that we send: through which server, answers of agents, and what became of each mail. */
import { z } from 'zod';
import { isSendableAddress } from '@mailstream/shared/domain/mail-address';
import { pageOf, pageQueryShape } from './paging.ts';
import { testStepSchema } from './provider-test.ts';
import { exactLine, line, timestamp } from './text.ts';
import { prioritySchema } from './tickets.ts';

const IPV6 = /^[0-9a-fA-F:]*:[0-9a-fA-F:.]*$/;
const HOST_NAME = /^[\p{L}\p{N}_](?:[\p{L}\p{N}\p{M}_.-]*[\p{L}\p{N}\p{M}])?$/u;

const serverShape = {
  /** `lmtp` hands mail to a mail store in the operator's own network. */
  protocol: z.enum(['smtp', 'lmtp']).default('smtp'),
  host: line(253).refine(
    (value) => IPV6.test(value) || HOST_NAME.test(value),
    'Enter only the name or address of the server, for example smtp.example.com.',
  ),
  port: z.int().min(1).max(65535),
  /** TLS from the first byte, as on port 465. */
  secure: z.boolean().default(false),
  /** STARTTLS is required then, never skipped. Neither of both is clear text, where an operator allowed the address. */
  allowStarttls: z.boolean().default(true),
  /** False only with the scope `operator`. */
  verifyCertificate: z.boolean().default(true),
  /** `oauth2` uses the permission that the mailbox has. */
  authType: z.enum(['none', 'password', 'oauth2']).default('password'),
  username: exactLine(320).nullable().default(null),
};

const sendingShape = {
  /** The address that mails are from; the mailbox's own unless given. */
  fromEmail: line(254)
    .refine(isSendableAddress, 'Enter one plain address, for example support@example.com.')
    .optional(),
  fromName: line(255).nullable().default(null),
  /** The server delivers `name+anything@domain` into this mailbox: answers then carry their ticket in the address. */
  plusAddressing: z.boolean().default(false),
  maxPerMinute: z.int().min(1).max(100_000).default(60),
  /** Answer each new ticket of a person with a short mail. */
  acknowledge: z.boolean().default(false),
  /** With `{{number}}`, `{{subject}}` and `{{name}}`; null for the built-in text. */
  acknowledgeText: z.string().trim().min(1).max(10_000).nullable().default(null),
  /** Most acknowledgements to one address. */
  acknowledgePerHour: z.int().min(1).max(1000).default(1),
};

/** A password that is left out stays as it is, or is erased when it would go to another server or user. */
export const smtpBodySchema = z.strictObject({
  ...serverShape,
  ...sendingShape,
  password: exactLine(1024).optional(),
});

export const smtpSchema = z
  .object({ ...serverShape, ...sendingShape, fromEmail: z.string(), hasPassword: z.boolean() })
  .meta({ id: 'SmtpSettings' });

export const smtpTestResultSchema = z
  .object({
    ok: z.boolean(),
    steps: z.array(testStepSchema.extend({ name: z.enum(['dns', 'tcp', 'tls', 'login']) })),
  })
  .meta({ id: 'SmtpTestResult' });

export const replyBodySchema = z
  .strictObject({
    /** May be left out where there is HTML. */
    text: z.string().max(100_000).default(''),
    /** Scripts, styles, forms, frames and remote images are removed from it. */
    html: z.string().max(100_000).optional(),
    /** A note for other agents: kept, never sent. */
    isInternal: z.boolean().default(false),
    /** Files of this ticket that are sent along. */
    attachmentIds: z.array(z.uuid().toLowerCase()).max(20).default([]),
    priority: prioritySchema.default('high'),
    /** The same key with the same text is the same answer, however often it is sent. The header `Idempotency-Key` says the same. */
    idempotencyKey: line(200).optional(),
  })
  .refine(({ text, html }) => text.trim() !== '' || (html ?? '').trim() !== '', {
    path: ['text'],
    message: 'Write something.',
  });

export const outboundStateSchema = z.enum(['queued', 'sending', 'sent', 'failed', 'suppressed', 'bounced']);

export const outboundSchema = z
  .object({
    id: z.uuid(),
    ticketId: z.uuid(),
    commentId: z.uuid().nullable(),
    providerId: z.uuid(),
    kind: z.enum(['acknowledgement', 'agent_reply', 'alert']),
    priority: prioritySchema,
    state: outboundStateSchema,
    to: z.string(),
    subject: z.string(),
    messageId: z.string(),
    attempts: z.number(),
    /** Why it was not sent, or not yet. */
    errorCode: z.string().nullable(),
    errorDetail: z.string().nullable(),
    /** Only while it waits. */
    nextAttemptAt: timestamp.nullable(),
    sentAt: timestamp.nullable(),
    createdAt: timestamp,
  })
  .meta({ id: 'OutboundMail' });

export const outboundListQuerySchema = z.strictObject({
  ...pageQueryShape,
  state: outboundStateSchema.optional(),
  ticketId: z.uuid().toLowerCase().optional(),
  /** Sent through this mailbox. */
  providerId: z.uuid().toLowerCase().optional(),
});

export const outboundPageSchema = pageOf(outboundSchema);

export const replyResultSchema = z.object({
  commentId: z.uuid(),
  /** Null for a note. */
  mail: outboundSchema.nullable(),
});

export type SmtpBody = z.infer<typeof smtpBodySchema>;
export type Smtp = z.infer<typeof smtpSchema>;
export type SmtpTestResult = z.infer<typeof smtpTestResultSchema>;
export type ReplyBody = z.infer<typeof replyBodySchema>;
export type ReplyResult = z.infer<typeof replyResultSchema>;
export type OutboundMail = z.infer<typeof outboundSchema>;
export type OutboundListQuery = z.infer<typeof outboundListQuerySchema>;
