/** Who changed what. */
import { z } from 'zod';
import { pageOf, pageQueryShape } from './paging.ts';
import { line, timestamp } from './text.ts';

export const auditListQuerySchema = z.strictObject({
  ...pageQueryShape,
  /** Begin of the action, such as `provider` or `user.updated`. */
  action: line(100).optional(),
  actorId: z.uuid().optional(),
  subjectType: line(100).optional(),
  subjectId: line(200).optional(),
  since: timestamp.optional(),
  until: timestamp.optional(),
});

const valuesSchema = z.record(z.string(), z.unknown()).nullable();

export const auditEntrySchema = z
  .object({
    id: z.uuid(),
    at: timestamp,
    actor: z.object({
      type: z.enum(['user', 'api_token', 'system']),
      id: z.string().nullable(),
      /** As it is called now; null where it is gone. */
      name: z.string().nullable(),
    }),
    action: z.string(),
    subjectType: z.string(),
    subjectId: z.string(),
    /** As it is called now; null where it is gone or has no name. */
    subjectName: z.string().nullable(),
    /** Without secrets. */
    before: valuesSchema,
    after: valuesSchema,
  })
  .meta({ id: 'AuditEntry' });

export const auditPageSchema = pageOf(auditEntrySchema);

export type AuditEntry = z.infer<typeof auditEntrySchema>;
export type AuditListQuery = z.infer<typeof auditListQuerySchema>;
