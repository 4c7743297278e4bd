/** Older mail that a mailbox is asked to fetch as well. */
import { z } from 'zod';
import { exactLine, timestamp } from './text.ts';

/** As for a first connect, without `now`: there would be nothing to fetch. */
export const resyncFromSchema = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('last'), count: z.int().min(1).max(100_000) }),
  z.strictObject({ kind: z.literal('since'), date: z.iso.date() }),
]);

export const resyncBodySchema = z.strictObject({
  /** Watched folders; all of them when left out. */
  folders: z.array(exactLine(255)).min(1).max(100).optional(),
  startFrom: resyncFromSchema,
  /** Only counts what would come. True unless said otherwise: look first. */
  dryRun: z.boolean().default(true),
});

export const folderResyncSchema = z
  .object({
    version: z.number(),
    requestedAt: timestamp,
    isDryRun: z.boolean(),
    startFrom: resyncFromSchema,
    /** No listener has answered yet; it does while the mailbox is connected. */
    isPending: z.boolean(),
    /** Of the answer to this request; null while it is pending. */
    result: z
      .object({
        at: timestamp,
        /** Messages from the starting point on that the mail server shows. */
        listed: z.number(),
        /** Of them, those that were here already. */
        known: z.number(),
        /** Of them, those that would come, or came. */
        fetched: z.number(),
        /** Of them, those that the mail server shows but did not hand over. */
        missing: z.number(),
      })
      .nullable(),
  })
  .meta({ id: 'FolderResync' });

export const resyncRequestSchema = z
  .object({
    providerId: z.uuid(),
    /** Number of the request: the answers are in `folders[].resync` with this version. */
    version: z.number(),
    isDryRun: z.boolean(),
    folders: z.array(z.string()),
  })
  .meta({ id: 'ResyncRequest' });

export type ResyncBody = z.infer<typeof resyncBodySchema>;
export type FolderResync = z.infer<typeof folderResyncSchema>;
export type ResyncRequest = z.infer<typeof resyncRequestSchema>;
