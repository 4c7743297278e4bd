/** What was given up on: by the worker, with its entry, or while it was taken in. One letter per event. */
import { z } from 'zod';
import { pageOf, pageQueryShape } from './paging.ts';
import { line, timestamp } from './text.ts';

/**
 * `open` waits for somebody · `replaying` is on its way again · `replayed` has its effect by now · `discarded` by a person.
 * Whether there is an effect is looked up, never assumed.
 */
export const deadLetterStateSchema = z.enum(['open', 'replaying', 'replayed', 'discarded']);
export const deadLetterSourceSchema = z.enum(['worker', 'ingest']);

const filterShape = {
  code: line(60).optional(),
  source: deadLetterSourceSchema.optional(),
  providerId: z.uuid().toLowerCase().optional(),
  /** Last given up on at or after this. */
  since: timestamp.optional(),
  /** Last given up on before this. */
  until: timestamp.optional(),
};

export const deadLetterListQuerySchema = z.strictObject({
  ...pageQueryShape,
  /** Without it: what is `open` or `replaying`. */
  state: z.enum([...deadLetterStateSchema.options, 'all']).optional(),
  ...filterShape,
});

export const deadLetterSchema = z
  .object({
    eventId: z.uuid(),
    source: deadLetterSourceSchema,
    state: deadLetterStateSchema,
    /** Why, as a sentence. */
    statusText: z.string(),
    code: z.string(),
    detail: z.string(),
    attempts: z.number(),
    replays: z.number(),
    firstAt: timestamp,
    lastAt: timestamp,
    discardReason: z.string().nullable(),
    /** Null where the ledger has no row of it. */
    providerId: z.uuid().nullable(),
    providerName: z.string().nullable(),
    folder: z.string().nullable(),
    messageId: z.string().nullable(),
    sender: z.string().nullable(),
    subject: z.string().nullable(),
    size: z.number().nullable(),
    hasRaw: z.boolean(),
  })
  .meta({ id: 'DeadLetter' });

export const deadLetterPageSchema = pageOf(deadLetterSchema);

export const deadLetterDetailSchema = deadLetterSchema.extend({
  stream: z.string().nullable(),
  entryId: z.string().nullable(),
  replayEntryId: z.string().nullable(),
  replayRequestedAt: timestamp.nullable(),
  history: z.array(z.object({ attempt: z.number(), at: timestamp, code: z.string(), detail: z.string() })),
  /** The entry as it was on the stream; null where it never was, or could not be kept. */
  entry: z.array(z.object({ name: z.string(), value: z.string() })).nullable(),
});

export const replayOneBodySchema = z.strictObject({ dryRun: z.boolean().default(false) }).nullish();

/** Of what was chosen; nothing chosen means all that is open. At most 10,000 at a time: `remaining` tells what is left. */
export const replayManyBodySchema = z
  .strictObject({
    dryRun: z.boolean().default(false),
    eventIds: z.array(z.uuid().toLowerCase()).min(1).max(1000).optional(),
    ...filterShape,
  })
  .nullish();

/** What was done, or with `dryRun` what would be. */
export const replayResultSchema = z.object({
  dryRun: z.boolean(),
  matched: z.number(),
  /** Put back on their way. */
  replayed: z.number(),
  byCode: z.array(z.object({ code: z.string(), count: z.number() })),
  skipped: z.object({
    /** They have their effect already. */
    hasEffect: z.number(),
    alreadyReplaying: z.number(),
    /** Neither the entry nor the original was kept. */
    notReplayable: z.number(),
  }),
  remaining: z.number(),
});

export const discardBodySchema = z.strictObject({ reason: line(500) });

/** What cannot be told whose it is; without its content. */
export const strayLettersSchema = z.object({
  items: z.array(
    z.object({
      stream: z.string(),
      entryId: z.string(),
      code: z.string(),
      /** What the code means, as a sentence, and what to do about it. */
      text: z.string(),
      hint: z.string().nullable(),
      detail: z.string(),
      at: timestamp,
    }),
  ),
});

export type DeadLetter = z.infer<typeof deadLetterSchema>;
export type DeadLetterDetail = z.infer<typeof deadLetterDetailSchema>;
export type DeadLetterListQuery = z.infer<typeof deadLetterListQuerySchema>;
export type DeadLetterState = z.infer<typeof deadLetterStateSchema>;
export type ReplayRequest = Omit<NonNullable<z.infer<typeof replayManyBodySchema>>, 'dryRun'>;
export type ReplayResult = z.infer<typeof replayResultSchema>;
export type StrayLetter = z.infer<typeof strayLettersSchema>['items'][number];
