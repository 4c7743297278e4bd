import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { providerId } from '@mailstream/shared/domain/ids';
import { commonErrors, errorBodySchema, notFoundError } from '../contracts/errors.ts';
import {
  folderListSchema,
  testBodySchema,
  testResultSchema,
  testStoredBodySchema,
} from '../contracts/provider-test.ts';
import { actorOf } from '../plugins/auth.ts';
import type { Limit } from '../plugins/rate-limits.ts';
import type { MailboxTestUseCases } from '../use-cases/mailbox-test.ts';
import { providerParams } from './providers.ts';
import { whileConnected } from './while-connected.ts';

const refused = {
  422: errorBodySchema.describe(
    'Clear text where no operator allowed it, or the mail server could not be asked.',
  ),
} as const;

/** These connect to a mail server while the caller waits, so they are limited per tenant and need the right to write. */
export function providerTestRoutes(options: {
  readonly useCases: MailboxTestUseCases;
  readonly limitTests: Limit;
}): FastifyPluginAsyncZod {
  const { useCases, limitTests } = options;
  return async (app) => {
    app.route({
      method: 'POST',
      url: '/api/email/providers/test',
      config: { access: 'providers:write' },
      schema: {
        tags: ['Mailboxes'],
        summary: 'Try a connection before it is saved, step by step',
        body: testBodySchema,
        response: { 200: testResultSchema, ...commonErrors, ...refused },
      },
      preHandler: limitTests,
      handler: (request, reply) => useCases.test(actorOf(request), request.body, whileConnected(reply)),
    });

    app.route({
      method: 'POST',
      url: '/api/email/providers/:id/test',
      config: { access: 'providers:write' },
      schema: {
        tags: ['Mailboxes'],
        summary: 'Try the stored connection, or some settings in its place; nothing is saved',
        params: providerParams,
        body: testStoredBodySchema,
        response: { 200: testResultSchema, ...commonErrors, ...notFoundError, ...refused },
      },
      preHandler: limitTests,
      handler: (request, reply) =>
        useCases.testStored(
          actorOf(request),
          providerId(request.params.id),
          request.body?.imap ?? {},
          whileConnected(reply),
        ),
    });

    app.route({
      method: 'POST',
      url: '/api/email/providers/folders',
      config: { access: 'providers:write' },
      schema: {
        tags: ['Mailboxes'],
        summary: 'Folders of a mail server whose settings are not saved yet',
        body: testBodySchema,
        response: { 200: folderListSchema, ...commonErrors, ...refused },
      },
      preHandler: limitTests,
      async handler(request, reply) {
        const { body } = request;
        return {
          items: [...(await useCases.newFolders(actorOf(request), body, whileConnected(reply)))],
        };
      },
    });

    app.route({
      method: 'GET',
      url: '/api/email/providers/:id/folders',
      config: { access: 'providers:write' },
      schema: {
        tags: ['Mailboxes'],
        summary: 'Folders as the mail server lists them now',
        params: providerParams,
        response: { 200: folderListSchema, ...commonErrors, ...notFoundError, ...refused },
      },
      preHandler: limitTests,
      async handler(request, reply) {
        const folders = await useCases.folders(
          actorOf(request),
          providerId(request.params.id),
          whileConnected(reply),
        );
        return { items: [...folders] };
      },
    });
  };
}
