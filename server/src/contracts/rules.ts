/** Rules of the tenant for incoming mail: what they say, how often they matched, and what they would do. */
import { z } from 'zod';
import { ruleShape, type Condition, type RuleAction } from '@mailstream/shared/rules/rule-schema';
import { timestamp } from './text.ts';

export const ruleBodySchema = z.strictObject({
  ...ruleShape,
  providerId: z.uuid().toLowerCase().nullable().default(null),
});

/** Of a rule that is stored: checked when it was written, and shown as it is. */
const condition = z
  .record(z.string(), z.unknown())
  .describe('A RuleCondition.') as unknown as z.ZodType<Condition>;
const action = z
  .record(z.string(), z.unknown())
  .describe('An action as in the body.') as unknown as z.ZodType<RuleAction>;

export const ruleProblemSchema = z.object({
  /** Place in the rule, such as `when.all.0.value`. */
  field: z.string(),
  message: z.string(),
});

export const ruleSchema = z
  .object({
    id: z.uuid(),
    name: z.string(),
    isEnabled: z.boolean(),
    isDryRun: z.boolean(),
    stopsOnMatch: z.boolean(),
    providerId: z.uuid().nullable(),
    /** Null where what is stored is no rule (any more). */
    when: condition.nullable(),
    actions: z.array(action).nullable(),
    /** Passed over: mail goes on as if it were not there. */
    isBroken: z.boolean(),
    problems: z.array(ruleProblemSchema),
    /** Of a broken rule, what is stored, as JSON. */
    storedText: z.string().nullable(),
    matchCount: z.number(),
    lastMatchedAt: timestamp.nullable(),
    createdAt: timestamp,
    updatedAt: timestamp,
  })
  .meta({ id: 'Rule' });

/** In the order in which they are asked. */
export const ruleListSchema = z.object({ items: z.array(ruleSchema) });

export const ruleOrderSchema = z.strictObject({
  /** Every rule of the tenant, the one that is asked first in front. */
  ids: z.array(z.uuid().toLowerCase()).max(1_000),
});

export const ruleTestBodySchema = z
  .strictObject({
    /** A rule that need not be saved: it is tried alone, as if it were enabled. */
    rule: ruleBodySchema.optional(),
    /** A saved rule, likewise. */
    ruleId: z.uuid().toLowerCase().optional(),
    /** Newest messages first. */
    limit: z.number().int().min(1).max(200).default(50),
    providerId: z.uuid().toLowerCase().optional(),
  })
  .refine(({ rule, ruleId }) => rule === undefined || ruleId === undefined, {
    path: ['ruleId'],
    message: 'Give a rule or the id of one, not both. With neither, all enabled rules are tried together.',
  });

export const ruleTestOutcomeSchema = z.enum([
  /** It would be left out. */
  'skipped',
  /** Its ticket would get what `effect` says. */
  'changed',
  /** Rules match, and change nothing: it is an answer in its ticket, or a report about a mail of ours. */
  'kept',
  /** Only rules on trial match. */
  'counted',
  'none',
  /** A rule asks for something that is not kept of this message; `matches` are those of the others. */
  'unknown',
]);

export const ruleTestResultSchema = z
  .object({
    items: z.array(
      z.object({
        eventId: z.uuid(),
        providerId: z.uuid(),
        receivedAt: timestamp,
        sender: z.string().nullable(),
        subject: z.string().nullable(),
        outcome: ruleTestOutcomeSchema,
        /** The outcome as a sentence. */
        text: z.string(),
        /** Rules that match, in their order; `id` is null for one that is not saved. */
        matches: z.array(
          z.object({
            id: z.uuid().nullable(),
            name: z.string(),
            isDryRun: z.boolean(),
            /** Places of the conditions that made it match, such as `all.0`. */
            because: z.array(z.string()),
          }),
        ),
        effect: z.object({
          skip: z.boolean(),
          queue: z.string().nullable(),
          clientId: z.uuid().nullable(),
          priority: z.string().nullable(),
          tags: z.array(z.string()),
        }),
        /** Fields that a rule asks for and that are not kept of this message: such a rule cannot be tried. */
        unknownFields: z.array(z.string()),
      }),
    ),
    counts: z.object({
      tried: z.number(),
      matched: z.number(),
      skipped: z.number(),
      unknown: z.number(),
    }),
    /** False when time was up before all of them were tried. */
    isComplete: z.boolean(),
  })
  .meta({ id: 'RuleTestResult' });

export type RuleBody = z.infer<typeof ruleBodySchema>;
export type StoredRule = z.infer<typeof ruleSchema>;
export type RuleTestBody = z.infer<typeof ruleTestBodySchema>;
export type RuleTestResult = z.infer<typeof ruleTestResultSchema>;
export type RuleTestItem = RuleTestResult['items'][number];
