/** The operator's page: processes, leases, and where each folder of the own tenant stands. */
import { z } from 'zod';
import { folderStatusSchema, providerAuditSchema, providerStateSchema } from './providers.ts';
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
      /** Watched folders of those mailboxes, and how many it should have: all of them by the number of running instances. */
      folders: z.number(),
      share: z.number().nullable(),
      /** What it said at its last heartbeat; null for a service that watches no folders. */
      data: z
        .object({
          folders: z.number(),
          staleFolders: z.number(),
          unseenMessages: z.number(),
          oldestDataAgeSeconds: z.number(),
        })
        .nullable(),
      /** Code of what is full while it fetches nothing; null while it fetches. */
      heldBy: z.string().nullable(),
    }),
  ),
  /** Over all tenants. */
  totals: z.object({
    providers: z.number(),
    active: z.number(),
    leased: z.number(),
    /** Watched folders of active mailboxes. */
    folders: z.number(),
    /** Of them, those that nothing has proven complete for longer than the limit. */
    staleFolders: z.number(),
    oldestDataAgeSeconds: z.number().nullable(),
    unseenMessages: z.number(),
    oldestUnseenSeconds: z.number().nullable(),
    /** The last audits of all these folders together. */
    audit: z.object({
      folders: z.number(),
      oldestAt: timestamp.nullable(),
      checked: z.number(),
      missing: z.number(),
      found: z.number(),
      pending: z.number(),
    }),
  }),
  /** Of the caller's tenant only. */
  providers: z.array(
    z.object({
      id: z.uuid(),
      providerName: z.string(),
      mailbox: z.string(),
      state: providerStateSchema,
      statusText: z.string(),
      lastSyncAt: timestamp.nullable(),
      isStale: z.boolean(),
      dataAgeSeconds: z.number().nullable(),
      audit: providerAuditSchema.nullable(),
      lease: z.object({ owner: z.uuid(), expiresAt: timestamp, epoch: z.number() }).nullable(),
      folders: z.array(folderStatusSchema),
    }),
  ),
});

export const percentilesSchema = z.object({ p50: z.number(), p95: z.number() }).nullable();

/** What happened lately over all tenants, from the ledger; times only. */
export const historySchema = z.object({
  /** Length of a bucket. */
  stepSeconds: z.number(),
  /** Oldest first, one for each step, also where nothing came. */
  buckets: z.array(
    z.object({
      at: timestamp,
      /** Messages recorded in it. */
      received: z.number(),
      /** Of them, processed by now. */
      processed: z.number(),
      /**
       * From its arrival at the mail server, by that server's clock and in whole seconds, to the record; of mail that arrived since its
       * mailbox is connected, null without any. A mail that somebody moves into a folder arrived when it did in the old one.
       */
      arrivalMs: percentilesSchema,
      /** From the record to the entry on the stream, of those recorded in it; null without any. */
      publishMs: percentilesSchema,
      /** From the record to the effect. */
      processMs: percentilesSchema,
    }),
  ),
  /** Recorded and not on the stream yet, and on the stream and not processed yet. */
  waiting: z.object({ toPublish: z.number(), toProcess: z.number(), oldestSeconds: z.number().nullable() }),
});

export const historyQuerySchema = z.strictObject({
  /** How far back. */
  minutes: z.coerce.number().int().min(10).max(1440).default(60),
});

/** What came into one mailbox lately, and how long it took to get here. */
export const providerHistorySchema = z.object({
  /** Length of a bucket. */
  stepSeconds: z.number(),
  /** Oldest first, one for each step, also where nothing came. */
  buckets: z.array(z.object({ at: timestamp, received: z.number(), arrivalMs: percentilesSchema })),
});

export const providerHistoryQuerySchema = z.strictObject({
  /** How far back. */
  hours: z.coerce.number().int().min(1).max(168).default(24),
});

/** Jobs of the queues; empty where the server does not know Redis. */
export const queuesSchema = z.object({
  items: z.array(
    z.object({
      name: z.string(),
      waiting: z.number(),
      active: z.number(),
      delayed: z.number(),
      failed: z.number(),
    }),
  ),
  /** Whether there is a job board at /job-board. */
  hasBoard: z.boolean(),
});

export type History = z.infer<typeof historySchema>;
export type ProviderHistory = z.infer<typeof providerHistorySchema>;
export type Queues = z.infer<typeof queuesSchema>;

/** All mailboxes of the tenant, or one. */
export const pokeBodySchema = z.strictObject({ providerId: z.uuid().optional() }).nullish();
export const pokeResultSchema = z.object({ providers: z.number() });

export type ImapStatus = z.infer<typeof imapStatusSchema>;

const checkSchema = z.object({ name: z.string(), ok: z.boolean(), detail: z.string().optional() });
export const healthSchema = z.object({ status: z.enum(['ok', 'unavailable']), checks: z.array(checkSchema) });
