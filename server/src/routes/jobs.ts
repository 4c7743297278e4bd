import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { ApiError } from '../api-error.ts';
import { commonErrors, notFoundError } from '../contracts/errors.ts';
import {
  jobListSchema,
  jobPatchSchema,
  jobRunListSchema,
  jobRunSchema,
  jobSchema,
  type Job,
} from '../contracts/jobs.ts';
import { noBodySchema } from '../contracts/tickets.ts';
import { actorOf } from '../plugins/auth.ts';
import type { Actor, JobStore } from '../ports.ts';

const params = z.object({ name: z.string().regex(/^[a-z][a-z0-9-]{0,59}$/) });

/** Jobs are the installation's, of no tenant: only operators see them. */
export function jobRoutes(options: {
  readonly jobs: JobStore;
  readonly now: () => Date;
}): FastifyPluginAsyncZod {
  const { jobs, now } = options;
  return async (app) => {
    app.route({
      method: 'GET',
      url: '/api/jobs',
      config: { access: 'operator' },
      schema: {
        tags: ['Jobs'],
        summary: 'Jobs that run by the clock, with their last and next run',
        response: { 200: jobListSchema, ...commonErrors },
      },
      handler: async (request) => ({ items: [...(await jobs.list(actorOf(request).tenant))] }),
    });

    app.route({
      method: 'GET',
      url: '/api/jobs/:name/runs',
      config: { access: 'operator' },
      schema: {
        tags: ['Jobs'],
        summary: 'The last runs of a job, newest first',
        params,
        response: { 200: jobRunListSchema, ...commonErrors, ...notFoundError },
      },
      async handler(request) {
        const found = await jobs.runs(actorOf(request).tenant, request.params.name);
        if (found === null) throw new ApiError('NOT_FOUND');
        return { items: [...found] };
      },
    });

    app.route({
      method: 'PATCH',
      url: '/api/jobs/:name',
      config: { access: 'operator' },
      schema: {
        tags: ['Jobs'],
        summary: 'Change when a job runs, or switch it on or off',
        params,
        body: jobPatchSchema,
        response: { 200: jobSchema, ...commonErrors, ...notFoundError },
      },
      async handler(request) {
        const actor = actorOf(request);
        const result = await jobs.change(actor, request.params.name, request.body, now());
        if (result === 'notFound') throw new ApiError('NOT_FOUND');
        if (result === 'badSchedule')
          throw new ApiError('VALIDATION_FAILED', {
            fields: [
              {
                field: request.body.timeZone === undefined ? 'schedule' : 'timeZone',
                code: 'INVALID',
                message:
                  'Enter a cron expression such as `17 3 * * *`, and a time zone such as `Europe/Berlin`.',
              },
            ],
          });
        return existing(jobs, actor, request.params.name);
      },
    });

    app.route({
      method: 'POST',
      url: '/api/jobs/:name/run',
      config: { access: 'operator' },
      schema: {
        tags: ['Jobs'],
        summary: 'Run a job now, whether it is switched on or not',
        params,
        body: noBodySchema,
        response: { 202: jobRunSchema, ...commonErrors, ...notFoundError },
      },
      async handler(request, reply) {
        const run = await jobs.run(actorOf(request), request.params.name);
        if (run === null) throw new ApiError('NOT_FOUND');
        return reply.code(202).send(run);
      },
    });
  };
}

async function existing(jobs: JobStore, { tenant }: Actor, name: string): Promise<Job> {
  const found = (await jobs.list(tenant)).find((job) => job.name === name);
  if (found === undefined) throw new ApiError('NOT_FOUND');
  return found;
}
