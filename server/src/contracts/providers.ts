/** A mailbox as the API shows it. There is no field that could hold a secret. */
import { z } from 'zod';
import { pageOf, pageQueryShape } from './paging.ts';
import { authTypeSchema, startFromSchema } from './provider-settings.ts';
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
    errorCode: z.string().nullable(),
    errorMessage: z.string().nullable(),
    errorHint: z.string().nullable(),
    errorAt: timestamp.nullable(),
    lastSyncAt: timestamp.nullable(),
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
export type ProviderState = z.infer<typeof providerStateSchema>;
export type FolderStatus = z.infer<typeof folderStatusSchema>;
export type ProviderListQuery = z.infer<typeof providerListQuerySchema>;
export type Activity = z.infer<typeof activitySchema>;
