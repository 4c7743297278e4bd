/** Logging in to a mailbox with OAuth, before it is saved, again later, or by its owner through a link. */
import { z } from 'zod';
import { imapPatchSchema, newImapSettingsSchema } from './provider-settings.ts';
import { timestamp } from './text.ts';

/** Pages of the UI that a login may come back to; addresses are never taken from a request. */
export const returnToSchema = z.enum(['newMailbox', 'mailbox', 'editMailbox']);

export const initiateBodySchema = z
  .strictObject({
    /** A stored mailbox. Without `imap`, what is granted goes to it at once. */
    providerId: z.uuid().optional(),
    /** Settings that are not saved yet: the whole of them, or for a stored mailbox those that differ. */
    imap: imapPatchSchema.optional(),
    returnTo: returnToSchema.default('mailbox'),
  })
  .superRefine((body, context) => {
    if (body.providerId !== undefined) return;
    const whole = newImapSettingsSchema.safeParse(body.imap ?? {});
    for (const issue of whole.error?.issues ?? [])
      context.addIssue({ ...issue, path: ['imap', ...issue.path] } as Parameters<typeof context.addIssue>[0]);
  });

export const initiatedSchema = z.object({
  /** Names the login from here on, e.g. as `imap.oauthAuthorizationId` of the mailbox to be saved. */
  authorizationId: z.uuid(),
  /** Where the browser has to go. */
  authorizeUrl: z.string(),
  expiresAt: timestamp,
});

/** As a login service sends a browser back (RFC 6749 section 4.1.2, RFC 9207). Others may add what they like. */
export const callbackQuerySchema = z.object({
  code: z.string().max(8192).optional().catch(undefined),
  state: z.string().max(512).optional().catch(undefined),
  iss: z.string().max(2048).optional().catch(undefined),
  error: z.string().max(256).optional().catch(undefined),
});

export const authorizationSchema = z
  .object({
    id: z.uuid(),
    providerId: z.uuid().nullable(),
    /** `granted`: done; of settings that are not saved yet, save them before `expiresAt`. */
    state: z.enum(['pending', 'granted', 'failed']),
    username: z.string(),
    /** The address that logged in, where the login service told. */
    account: z.string().nullable(),
    errorCode: z.string().nullable(),
    errorMessage: z.string().nullable(),
    errorHint: z.string().nullable(),
    expiresAt: timestamp,
  })
  .meta({ id: 'OAuthAuthorization' });

export const loginLinkSchema = z
  .object({
    /** To be sent to the owner of the mailbox. Whoever has it can log in, once; it is shown only here. */
    url: z.string(),
    mailbox: z.string(),
    expiresAt: timestamp,
  })
  .meta({ id: 'LoginLink' });

export const linkTokenSchema = z.strictObject({ token: z.string().min(1).max(512) });

/** What the owner of a mailbox sees before logging in. */
export const linkViewSchema = z.object({
  tenantName: z.string(),
  mailbox: z.string(),
  /** Host name of the login service. */
  loginHost: z.string(),
  expiresAt: timestamp,
  /** What went wrong at the last try. */
  errorCode: z.string().nullable(),
  errorMessage: z.string().nullable(),
  errorHint: z.string().nullable(),
});

export const linkStartedSchema = z.object({ authorizeUrl: z.string() });

export type InitiateBody = z.infer<typeof initiateBodySchema>;
export type Initiated = z.infer<typeof initiatedSchema>;
export type ReturnTo = z.infer<typeof returnToSchema>;
export type CallbackQuery = z.infer<typeof callbackQuerySchema>;
export type Authorization = z.infer<typeof authorizationSchema>;
export type LoginLink = z.infer<typeof loginLinkSchema>;
export type LinkView = z.infer<typeof linkViewSchema>;
