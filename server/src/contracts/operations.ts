/** The operator's page: processes, leases, and where each folder of the own tenant stands. */
import { z } from 'zod';
import { folderStatusSchema, providerStateSchema } from './providers.ts';
import { timestamp } from './text.ts';

export const imapStatusSchema = z.object({
  instances: z.array(
    z.object({
      instanceId: z.uuid(),
      service: z.string(),
      host: z.string(),
      version: z.string(),
      state: z.enum(['running', 'draining']),
      startedAt: timestamp,
      heartbeatAt: timestamp,
      /** Mailboxes it holds, over all tenants. */
      leases: z.number(),
    }),
  ),
  /** Over all tenants. */
  totals: z.object({ providers: z.number(), active: z.number(), leased: z.number() }),
  /** Of the caller's tenant only. */
  providers: z.array(
    z.object({
      id: z.uuid(),
      providerName: z.string(),
      mailbox: z.string(),
      state: providerStateSchema,
      statusText: z.string(),
      lastSyncAt: timestamp.nullable(),
      lease: z.object({ owner: z.uuid(), expiresAt: timestamp, epoch: z.number() }).nullable(),
      folders: z.array(folderStatusSchema),
    }),
  ),
});

/** All mailboxes of the tenant, or one. */
export const pokeBodySchema = z.strictObject({ providerId: z.uuid().optional() }).nullish();
export const pokeResultSchema = z.object({ providers: z.number() });

export type ImapStatus = z.infer<typeof imapStatusSchema>;

const checkSchema = z.object({ name: z.string(), ok: z.boolean(), detail: z.string().optional() });
export const healthSchema = z.object({ status: z.enum(['ok', 'unavailable']), checks: z.array(checkSchema) });
