/** What the operator grants the tenant, and what it uses. */
import { z } from 'zod';
import { QUOTA_KINDS } from '@mailstream/shared/domain/quota';
import { timestamp } from './text.ts';

export const quotaSchema = z
  .object({
    items: z.array(
      z.object({
        /** `storageBytes`: originals of the messages in the ledger. Days are those of UTC. */
        kind: z.enum(QUOTA_KINDS),
        /** Null is no limit. */
        limit: z.number().nullable(),
        used: z.number(),
        /** Code of the error catalogue once the limit is reached, with what that means and what to do; null until then. */
        code: z.string().nullable(),
        message: z.string().nullable(),
        hint: z.string().nullable(),
        /** When counting begins anew; null for what does not pass by itself. */
        resetsAt: timestamp.nullable(),
      }),
    ),
  })
  .meta({ id: 'Quota' });

export type Quota = z.infer<typeof quotaSchema>;
