import type { FastifyReply } from 'fastify';
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { ApiError } from '../api-error.ts';
import { commonErrors, errorBodySchema, notFoundError } from '../contracts/errors.ts';
import {
  outboundListQuerySchema,
  outboundPageSchema,
  outboundSchema,
  replyBodySchema,
  replyResultSchema,
  type ReplyBody,
} from '../contracts/outbound.ts';
import { noBodySchema } from '../contracts/tickets.ts';
import { line } from '../contracts/text.ts';
import { actorOf } from '../plugins/auth.ts';
import type { OutboundStore, ReplyOutcome, ReplyStore } from '../ports.ts';
import { answerHtml, answerText } from '../use-cases/answer-html.ts';

const ofTicket = z.object({ id: z.uuid().toLowerCase() });
const ofMail = z.object({ mailId: z.uuid().toLowerCase() });
const keySchema = line(200);

export function outboundRoutes(options: {
  readonly replies: ReplyStore;
  readonly outbound: OutboundStore;
}): FastifyPluginAsyncZod {
  const { replies, outbound } = options;
  return async (app) => {
    app.route({
      method: 'POST',
      url: '/api/tickets/:id/replies',
      config: { access: 'tickets:write' },
      schema: {
        tags: ['Tickets'],
        summary: 'Answer the requester of a ticket, or write a note for other agents',
        description:
          'The answer goes to the requester alone. It is kept and queued in one step; `GET /api/outbound` shows what became of it. Send the header `Idempotency-Key`, or `idempotencyKey`, to be able to repeat the request.',
        params: ofTicket,
        body: replyBodySchema,
        response: {
          200: replyResultSchema.describe('This answer was there already.'),
          201: replyResultSchema,
          ...commonErrors,
          ...notFoundError,
          409: errorBodySchema.describe(
            'The ticket was merged, its requester is in doubt, or the key is another answer’s.',
          ),
          422: errorBodySchema.describe('The mailbox of the ticket cannot send, or nobody can be answered.'),
        },
      },
      async handler(request, reply) {
        const { body } = request;
        const outcome = await replies.add(actorOf(request), request.params.id, {
          ...textsOf(body),
          isInternal: body.isInternal,
          attachmentIds: body.attachmentIds,
          priority: body.priority,
          key: body.idempotencyKey ?? keyOf(request.headers['idempotency-key']),
        });
        return answer(outcome, reply);
      },
    });

    app.route({
      method: 'GET',
      url: '/api/outbound',
      config: { access: 'tickets:read' },
      schema: {
        tags: ['Outgoing mail'],
        summary: 'List mails that were or are to be sent, newest first',
        querystring: outboundListQuerySchema,
        response: { 200: outboundPageSchema, ...commonErrors },
      },
      handler: (request) => outbound.list(actorOf(request).tenant, request.query),
    });

    app.route({
      method: 'GET',
      url: '/api/outbound/:mailId',
      config: { access: 'tickets:read' },
      schema: {
        tags: ['Outgoing mail'],
        summary: 'One mail and what became of it',
        params: ofMail,
        response: { 200: outboundSchema, ...commonErrors, ...notFoundError },
      },
      async handler(request) {
        const found = await outbound.get(actorOf(request).tenant, request.params.mailId);
        if (found === null) throw new ApiError('NOT_FOUND');
        return found;
      },
    });

    app.route({
      method: 'POST',
      url: '/api/outbound/:mailId/retry',
      config: { access: 'tickets:write' },
      schema: {
        tags: ['Outgoing mail'],
        summary: 'Send a mail that failed again, or one that waits at once',
        params: ofMail,
        body: noBodySchema,
        response: {
          200: outboundSchema,
          ...commonErrors,
          ...notFoundError,
          409: errorBodySchema.describe('It was sent, is being sent or was not to be sent at all.'),
        },
      },
      async handler(request) {
        const actor = actorOf(request);
        const result = await outbound.retry(actor, request.params.mailId);
        if (result === 'notFailed')
          throw new ApiError('CONFLICT', {
            message: 'Only a mail that failed or waits can be sent again.',
            hint: 'Look at its state.',
          });
        const found = await outbound.get(actor.tenant, request.params.mailId);
        if (result === 'notFound' || found === null) throw new ApiError('NOT_FOUND');
        return found;
      },
    });
  };
}

function textsOf({ text, html }: ReplyBody): { readonly text: string; readonly html: string | null } {
  const clean = html === undefined ? '' : answerHtml(html);
  const plain = storable(text).trim() === '' ? answerText(html ?? '') : storable(text).trim();
  // HTML of which nothing remained says nothing either.
  if (plain === '')
    throw new ApiError('VALIDATION_FAILED', {
      fields: [{ field: 'text', code: 'INVALID', message: 'Write something.' }],
    });
  return { text: plain, html: clean === '' ? null : storable(clean) };
}

/** PostgreSQL has no NUL in text, and no half of a surrogate pair. */
function storable(text: string): string {
  return Buffer.from(text.replaceAll('\0', ''), 'utf8').toString('utf8');
}

function keyOf(header: string | string[] | undefined): string | null {
  if (header === undefined) return null;
  const parsed = keySchema.safeParse(header);
  if (parsed.success) return parsed.data;
  throw new ApiError('VALIDATION_FAILED', {
    fields: [
      { field: 'Idempotency-Key', code: 'INVALID', message: 'Use one line of at most 200 characters.' },
    ],
  });
}

function answer(outcome: ReplyOutcome, reply: FastifyReply): z.infer<typeof replyResultSchema> {
  switch (outcome.kind) {
    case 'added':
    case 'repeated':
      void reply.code(outcome.kind === 'added' ? 201 : 200);
      return { commentId: outcome.commentId, mail: outcome.mail };
    case 'notFound':
      throw new ApiError('NOT_FOUND');
    case 'merged':
      throw new ApiError('CONFLICT', {
        message: 'This ticket was merged into another one.',
        hint: 'Answer in the ticket that `mergedInto` names.',
      });
    case 'refused':
      throw refusal(outcome.code);
  }
}

function refusal(code: Extract<ReplyOutcome, { kind: 'refused' }>['code']): ApiError {
  switch (code) {
    case 'smtp':
      return new ApiError('SMTP_NOT_SET');
    case 'recipient':
      return new ApiError('SMTP_MESSAGE_INVALID', {
        message: 'The requester of this ticket cannot be answered.',
        hint: 'There is no usable address, or it is one of your own mailboxes.',
      });
    case 'doubtful':
      return new ApiError('CONFLICT', {
        message: 'It is in doubt whether the requester wrote this.',
        hint: 'Look at the ticket, resolve its attention, and answer then.',
      });
    case 'attachment':
      return new ApiError('VALIDATION_FAILED', {
        fields: [
          { field: 'attachmentIds', code: 'INVALID', message: 'One of these is no file of this ticket.' },
        ],
      });
    case 'key':
      return new ApiError('CONFLICT', {
        message: 'Another answer was sent under this key.',
        hint: 'Use a new key for each answer.',
      });
  }
}
