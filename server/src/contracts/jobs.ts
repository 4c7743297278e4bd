/** Jobs that run by the clock, for operators. */
import { z } from 'zod';
import { line, timestamp } from './text.ts';

export const jobRunSchema = z
  .object({
    id: z.uuid(),
    job: z.string(),
    /** By the clock, or because somebody asked. */
    cause: z.enum(['schedule', 'person']),
    /** `skipped`: another run of the same job was under way. */
    state: z.enum(['queued', 'running', 'done', 'failed', 'skipped']),
    /** The tick, or when it was asked for. */
    dueAt: timestamp,
    startedAt: timestamp.nullable(),
    finishedAt: timestamp.nullable(),
    durationMs: z.number().nullable(),
    attempts: z.number(),
    /** What it did, as counts. */
    result: z.record(z.string(), z.number()).nullable(),
    errorCode: z.string().nullable(),
    errorDetail: z.string().nullable(),
  })
  .meta({ id: 'JobRun' });

export const jobSchema = z
  .object({
    name: z.string(),
    /** What it does. */
    text: z.string(),
    /** A cron expression: minute, hour, day, month, weekday; a sixth field in front is seconds. */
    schedule: z.string(),
    /** An IANA name such as `Europe/Berlin`. */
    timeZone: z.string(),
    isEnabled: z.boolean(),
    /** Null while it is disabled. */
    nextRunAt: timestamp.nullable(),
    lastRun: jobRunSchema.nullable(),
    /** The last one that failed. */
    lastFailure: jobRunSchema.nullable(),
  })
  .meta({ id: 'Job' });

export const jobListSchema = z.object({ items: z.array(jobSchema) });
export const jobRunListSchema = z.object({ items: z.array(jobRunSchema) });

export const jobPatchSchema = z.strictObject({
  schedule: line(200).optional(),
  timeZone: line(60).optional(),
  isEnabled: z.boolean().optional(),
});

export type Job = z.infer<typeof jobSchema>;
export type JobRun = z.infer<typeof jobRunSchema>;
export type JobPatch = z.infer<typeof jobPatchSchema>;
