/** Trying out a connection, before or after it is saved, and the folders that the mail server shows. */
import { z } from 'zod';
import { imapPatchSchema, newImapSettingsSchema } from './provider-settings.ts';

export const testBodySchema = z.strictObject({
  providerType: z.literal('imap').default('imap'),
  imap: newImapSettingsSchema,
});

/** Settings to try instead of the stored ones; nothing is saved. */
export const testStoredBodySchema = z.strictObject({ imap: imapPatchSchema.optional() }).nullish();

export const testStepSchema = z.object({
  name: z.enum(['dns', 'tcp', 'tls', 'login', 'folders']),
  /** `skipped` after a step before it failed. */
  outcome: z.enum(['ok', 'failed', 'skipped']),
  code: z.string().nullable(),
  message: z.string(),
  hint: z.string().nullable(),
  /** The mail server's own words, cut to a line. Untrusted text. */
  detail: z.string().nullable(),
  durationMs: z.number(),
});

export const mailFolderSchema = z
  .object({
    name: z.string(),
    /** The hierarchy separator that the server uses, null for a flat name. */
    delimiter: z.string().nullable(),
    /** For instance `\Sent` or `\Junk` (RFC 6154), null where the server does not say. */
    specialUse: z.string().nullable(),
    /** False for a name that only holds other folders. */
    isSelectable: z.boolean(),
    /** Null where the server does not tell. */
    messages: z.number().nullable(),
  })
  .meta({ id: 'MailFolder' });

const certificateSchema = z.object({
  subject: z.string(),
  issuer: z.string(),
  validFrom: z.string(),
  validTo: z.string(),
  /** Host names it is good for. */
  names: z.array(z.string()),
});

export const testResultSchema = z
  .object({
    ok: z.boolean(),
    steps: z.array(testStepSchema),
    folders: z.array(mailFolderSchema),
    /** There are more folders than listed. */
    foldersCut: z.boolean(),
    /** Folders of the settings that the server does not have. */
    missingFolders: z.array(z.string()),
    certificate: certificateSchema.nullable(),
    /** True when the server tells of new mail at once; else it is asked every half minute. */
    canIdle: z.boolean(),
  })
  .meta({ id: 'TestResult' });

export const folderListSchema = z.object({ items: z.array(mailFolderSchema) });

export type TestBody = z.infer<typeof testBodySchema>;
export type TestStoredBody = z.infer<typeof testStoredBodySchema>;
export type TestStep = z.infer<typeof testStepSchema>;
export type TestResult = z.infer<typeof testResultSchema>;
export type MailFolder = z.infer<typeof mailFolderSchema>;
