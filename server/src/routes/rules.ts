import { randomUUID } from 'node:crypto';
import type { FastifyRequest } from 'fastify';
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { MAX_RULES } from '@mailstream/shared/rules/evaluate-rules';
import { isNestedTooDeep, TOO_DEEP } from '@mailstream/shared/rules/rule-schema';
import { ApiError } from '../api-error.ts';
import { commonErrors, notFoundError } from '../contracts/errors.ts';
import {
  ruleBodySchema,
  ruleListSchema,
  ruleOrderSchema,
  ruleSchema,
  ruleTestBodySchema,
  ruleTestResultSchema,
  type StoredRule,
} from '../contracts/rules.ts';
import { noBodySchema } from '../contracts/tickets.ts';
import { actorOf } from '../plugins/auth.ts';
import type { Limit } from '../plugins/rate-limits.ts';
import type { Actor } from '../ports.ts';
import type { RuleResult, RuleStore } from '../ports/rules.ts';
import type { RuleTests } from '../use-cases/rule-tests.ts';

const params = z.object({ id: z.uuid().toLowerCase() });
const tags = ['Rules'];

/** What the worker does with mail that comes in. */
export function ruleRoutes(options: {
  readonly rules: RuleStore;
  readonly tests: RuleTests;
  readonly limitTests: Limit;
}): FastifyPluginAsyncZod {
  const { rules, tests, limitTests } = options;
  return async (app) => {
    app.route({
      method: 'GET',
      url: '/api/email/rules',
      config: { access: 'providers:read' },
      schema: {
        tags,
        summary: 'Rules for incoming mail in their order, with how often they matched',
        response: { 200: ruleListSchema, ...commonErrors },
      },
      handler: (request) => listed(rules, actorOf(request)),
    });

    app.route({
      method: 'GET',
      url: '/api/email/rules/:id',
      config: { access: 'providers:read' },
      schema: {
        tags,
        summary: 'One rule',
        params,
        response: { 200: ruleSchema, ...commonErrors, ...notFoundError },
      },
      async handler(request) {
        const found = await rules.get(actorOf(request).tenant, request.params.id);
        if (found === null) throw new ApiError('NOT_FOUND');
        return found;
      },
    });

    app.route({
      method: 'POST',
      url: '/api/email/rules',
      config: { access: 'providers:write' },
      schema: {
        tags,
        summary: 'Add a rule behind the others',
        body: ruleBodySchema,
        response: { 201: ruleSchema, ...commonErrors },
      },
      preValidation: refuseDeep,
      async handler(request, reply) {
        const result = await rules.create(actorOf(request), randomUUID(), request.body);
        return reply.code(201).send(ruleOf(result));
      },
    });

    app.route({
      method: 'PUT',
      url: '/api/email/rules/order',
      config: { access: 'providers:write' },
      schema: {
        tags,
        summary: 'Set the order of all rules',
        body: ruleOrderSchema,
        response: { 200: ruleListSchema, ...commonErrors },
      },
      async handler(request) {
        const actor = actorOf(request);
        if ((await rules.reorder(actor, request.body.ids)) === 'mismatch')
          throw invalid('ids', 'This must name every rule, each once. Load the list again.');
        return listed(rules, actor);
      },
    });

    app.route({
      method: 'PUT',
      url: '/api/email/rules/:id',
      config: { access: 'providers:write' },
      schema: {
        tags,
        summary: 'Replace a rule; its place and counts stay',
        params,
        body: ruleBodySchema,
        response: { 200: ruleSchema, ...commonErrors, ...notFoundError },
      },
      preValidation: refuseDeep,
      handler: async (request) =>
        ruleOf(await rules.replace(actorOf(request), request.params.id, request.body)),
    });

    for (const [verb, isEnabled] of [
      ['enable', true],
      ['disable', false],
    ] as const)
      app.route({
        method: 'POST',
        url: `/api/email/rules/:id/${verb}`,
        config: { access: 'providers:write' },
        schema: {
          tags,
          summary: isEnabled ? 'Switch a rule on' : 'Switch a rule off',
          params,
          body: noBodySchema,
          response: { 200: ruleSchema, ...commonErrors, ...notFoundError },
        },
        handler: async (request) =>
          ruleOf(await rules.setEnabled(actorOf(request), request.params.id, isEnabled)),
      });

    app.route({
      method: 'DELETE',
      url: '/api/email/rules/:id',
      config: { access: 'providers:write' },
      schema: {
        tags,
        summary: 'Remove a rule with its counts',
        params,
        response: { 204: z.null(), ...commonErrors, ...notFoundError },
      },
      async handler(request, reply) {
        const result = await rules.remove(actorOf(request), request.params.id);
        if (result === 'notFound') throw new ApiError('NOT_FOUND');
        return reply.code(204).send(null);
      },
    });

    app.route({
      method: 'POST',
      url: '/api/email/rules/test',
      config: { access: 'messages:read' },
      schema: {
        tags,
        summary: 'Try rules on the newest messages, saved or not; nothing is changed',
        body: ruleTestBodySchema,
        response: { 200: ruleTestResultSchema, ...commonErrors, ...notFoundError },
      },
      preValidation: refuseDeep,
      preHandler: limitTests,
      handler(request) {
        const actor = actorOf(request);
        // An expression can ask for anything that is in a ticket.
        if (!actor.scopes.has('tickets:read') || !actor.scopes.has('providers:read'))
          throw new ApiError('FORBIDDEN');
        return tests.test(actor, request.body);
      },
    });
  };
}

async function listed(rules: RuleStore, { tenant }: Actor): Promise<{ items: StoredRule[] }> {
  return { items: [...(await rules.list(tenant))] };
}

/** Before the schema walks through it, level by level. */
async function refuseDeep(request: FastifyRequest): Promise<void> {
  if (isNestedTooDeep(request.body)) throw invalid('when', `This ${TOO_DEEP}.`);
}

function invalid(field: string, message: string): ApiError {
  return new ApiError('VALIDATION_FAILED', { fields: [{ field, code: 'INVALID', message }] });
}

function ruleOf(result: RuleResult): StoredRule {
  switch (result.kind) {
    case 'changed':
      return result.rule;
    case 'notFound':
      throw new ApiError('NOT_FOUND');
    case 'tooMany':
      throw invalid(
        'name',
        `There are ${MAX_RULES} rules already, and no more are allowed. Remove one first.`,
      );
    case 'tooCostly':
      throw invalid(
        'when',
        'All expressions of your rules together would take too long. Use fewer or shorter ones, or "contains".',
      );
    case 'providerUnknown':
      throw invalid('providerId', 'There is no such mailbox.');
    case 'clientUnknown':
      throw invalid(
        `actions.${result.action}.clientId`,
        'There is no such client, or it gets no new tickets.',
      );
    default:
      result satisfies never;
      throw new ApiError('INTERNAL');
  }
}
