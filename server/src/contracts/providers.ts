/** A mailbox as the API shows it. There is no field that could hold a secret. */
import { z } from 'zod';
import { pageOf, pageQueryShape } from './paging.ts';
import { authTypeSchema, startFromSchema } from './provider-settings.ts';
import { folderResyncSchema } from './resync.ts';
import { line, timestamp } from './text.ts';

/** What a person filters by: the status, or the reason why there is none at the moment. */
export const providerStateSchema = z.enum([
  'configuring',
  'connected',
  'disconnected',
  'error',
  'paused',
  'inactive',
]);

/** The last comparison of the whole folder with the ledger. */
export const folderAuditSchema = z
  .object({
    at: timestamp,
    reason: z.enum(['schedule', 'request']),
    durationMs: z.number(),
    uidValidity: z.number(),
    /** Messages that were compared. */
    checked: z.number(),
    /** Of them, those that the mail server shows and we do not have, although we asked for them. */
    missing: z.number(),
    /** Of them, those that we did not have and have now: fetched and published by the audit. */
    found: z.number(),
    /** New messages that were not fetched yet at that moment. */
    waiting: z.number(),
    /** Recorded messages that were not on the stream yet at that moment. */
    unpublished: z.number(),
  })
  .meta({ id: 'FolderAudit' });

/** All watched folders together; null before the first audit. */
export const providerAuditSchema = z.object({
  /** Of the folder that was audited the longest ago; null while one was never audited. */
  at: timestamp.nullable(),
  checked: z.number(),
  missing: z.number(),
  found: z.number(),
  isPending: z.boolean(),
  /** The last time that somebody asked. */
  requestedAt: timestamp.nullable(),
  requestedBy: z.string().nullable(),
});

export const auditRequestSchema = z
  .object({
    providerId: z.uuid(),
    /** Number of the request: a folder has answered it when `isAuditPending` is false. */
    version: z.number(),
    requestedAt: timestamp,
    folders: z.array(z.string()),
  })
  .meta({ id: 'AuditRequest' });

export const folderStatusSchema = z
  .object({
    name: z.string(),
    /**
     * What the folder's listener last said: `connecting`, `syncing`, `watching`, `waiting` (tries again by itself) or `parked`
     * (a person must act); `new` before it said anything.
     */
    state: z.string(),
    /** The state as a sentence. */
    stateText: z.string(),
    code: z.string().nullable(),
    message: z.string().nullable(),
    since: timestamp.nullable(),
    /** False for a folder that is no longer in the settings; its position is kept. */
    isWatched: z.boolean(),
    uidValidity: z.number().nullable(),
    lastUid: z.number().nullable(),
    /** When the folder was last seen in sync with the server. */
    lastSeenAt: timestamp.nullable(),
    /** Messages that the server listed but has not handed over yet. */
    holes: z.number(),
    /** When the mail server last proved that everything in the folder is here; null before the first time. */
    provenAt: timestamp.nullable(),
    /** Since then, by the database's clock. */
    dataAgeSeconds: z.number().nullable(),
    /** The proof is older than the limit, whatever the connection looks like. */
    isStale: z.boolean(),
    /** Messages that the server lists and the ledger does not have, and how long the oldest and newest have been waiting. */
    unseen: z.number(),
    oldestUnseenSeconds: z.number().nullable(),
    newestUnseenSeconds: z.number().nullable(),
    audit: folderAuditSchema.nullable(),
    /** Somebody asked for an audit that this folder has not made yet. */
    isAuditPending: z.boolean(),
    /** The last time that somebody asked for older mail of this folder. */
    resync: folderResyncSchema.nullable(),
  })
  .meta({ id: 'FolderStatus' });

export const providerSchema = z
  .object({
    id: z.uuid(),
    providerType: z.literal('imap'),
    providerName: z.string(),
    mailbox: z.string(),
    isActive: z.boolean(),
    status: z.enum(['configuring', 'connected', 'disconnected', 'error']),
    state: providerStateSchema,
    /** The state as a sentence. */
    statusText: z.string(),
    /** A watched folder has not been proven complete for longer than the limit, whatever the connection looks like. */
    isStale: z.boolean(),
    /** Of the watched folder that was proven complete the longest ago; null while one never was. */
    dataAgeSeconds: z.number().nullable(),
    audit: providerAuditSchema.nullable(),
    errorCode: z.string().nullable(),
    errorMessage: z.string().nullable(),
    errorHint: z.string().nullable(),
    errorAt: timestamp.nullable(),
    /** Only a person can mend it: a new password, or a new login. */
    mustReconnect: z.boolean(),
    lastSyncAt: timestamp.nullable(),
    /** When the newest message of its folders was recorded. */
    lastMessageAt: timestamp.nullable(),
    pausedAt: timestamp.nullable(),
    pauseReason: z.enum(['manual', 'auth_failure', 'tenant_cancelled']).nullable(),
    imap: z.object({
      host: z.string(),
      port: z.number(),
      secure: z.boolean(),
      allowStarttls: z.boolean(),
      verifyCertificate: z.boolean(),
      authType: authTypeSchema,
      username: z.string(),
      folderFilters: z.array(z.string()),
      startFrom: startFromSchema,
      oauthAuthorizeUrl: z.string().nullable(),
      oauthTokenUrl: z.string().nullable(),
      oauthClientId: z.string().nullable(),
      oauthScopes: z.string().nullable(),
      oauthIssuer: z.string().nullable(),
      oauthSharedMailbox: z.boolean(),
      /** The address that logged in last, where the login service told. */
      oauthAccount: z.string().nullable(),
      tokenExpiresAt: timestamp.nullable(),
      hasPassword: z.boolean(),
      hasOauthClientSecret: z.boolean(),
      hasOauthRefreshToken: z.boolean(),
    }),
    folders: z.array(folderStatusSchema),
    lease: z
      .object({ owner: z.uuid(), expiresAt: timestamp, epoch: z.number() })
      .nullable()
      .describe('Which instance of the email service holds the mailbox; null while none does.'),
    configVersion: z.number(),
    createdAt: timestamp,
    updatedAt: timestamp,
  })
  .meta({ id: 'Provider' });

export const providerPageSchema = pageOf(providerSchema);

export const providerListQuerySchema = z.strictObject({
  ...pageQueryShape,
  /** Part of the name, the mailbox, the host or the user name. */
  search: line(255).optional(),
  status: providerStateSchema.optional(),
});

export const pauseBodySchema = z.strictObject({}).nullish();

export const activitySchema = z.object({
  messages: z.array(
    z.object({
      eventId: z.uuid(),
      folder: z.string(),
      uid: z.number(),
      sender: z.string().nullable(),
      subject: z.string().nullable(),
      status: z.string(),
      statusText: z.string(),
      receivedAt: timestamp,
    }),
  ),
  folders: z.array(folderStatusSchema),
  changes: z.array(
    z.object({
      at: timestamp,
      action: z.string(),
      actorType: z.string(),
      actorName: z.string().nullable(),
      /** Names of the settings that changed; never their secret values. */
      fields: z.array(z.string()),
    }),
  ),
});

export type Provider = z.infer<typeof providerSchema>;
export type ProviderAudit = z.infer<typeof providerAuditSchema>;
export type FolderAudit = z.infer<typeof folderAuditSchema>;
export type AuditRequest = z.infer<typeof auditRequestSchema>;
export type ProviderState = z.infer<typeof providerStateSchema>;
export type FolderStatus = z.infer<typeof folderStatusSchema>;
export type ProviderListQuery = z.infer<typeof providerListQuerySchema>;
export type Activity = z.infer<typeof activitySchema>;
