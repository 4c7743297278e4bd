/**
 * Settings of a mailbox as a request brings them (DESIGN section 8). Fields that are not listed are refused: nothing but
 * these can be set over the API. Rules that span fields live in `use-cases/provider-rules.ts`.
 */
import { z } from 'zod';
import { loginFieldErrors, type LoginFields } from './login-fields.ts';
import { exactLine, line } from './text.ts';

const IPV6 = /^[0-9a-fA-F:]*:[0-9a-fA-F:.]*$/;
const HOST_NAME = /^[\p{L}\p{N}_](?:[\p{L}\p{N}\p{M}_.-]*[\p{L}\p{N}\p{M}])?$/u;

const host = line(253).refine(
  (value) => IPV6.test(value) || HOST_NAME.test(value),
  'Enter only the name or address of the server, for example imap.example.com.',
);

const httpsUrl = line(2048).refine(isHttpsUrl, 'Enter a full address that begins with https://.');

function isHttpsUrl(value: string): boolean {
  if (!URL.canParse(value)) return false;
  const url = new URL(value);
  // A user name or password in a URL would end up in logs.
  return url.protocol === 'https:' && url.username === '' && url.password === '';
}

export const startFromSchema = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('now') }),
  z.strictObject({ kind: z.literal('last'), count: z.int().min(1).max(100_000) }),
  z.strictObject({ kind: z.literal('since'), date: z.iso.date() }),
]);

export const authTypeSchema = z.enum(['password', 'oauth2']);

const folderFilters = z
  .array(exactLine(255))
  .max(100)
  .refine((names) => new Set(names).size === names.length, 'A folder is in the list twice.');

const secrets = {
  password: exactLine(1024),
  oauthClientSecret: exactLine(4096),
  oauthRefreshToken: exactLine(8192),
};

const fields = {
  host,
  port: z.int().min(1).max(65535),
  secure: z.boolean(),
  allowStarttls: z.boolean(),
  authType: authTypeSchema,
  username: exactLine(320),
  folderFilters,
  startFrom: startFromSchema,
  /** False only with the scope `operator`. */
  verifyCertificate: z.boolean(),
  oauthAuthorizeUrl: httpsUrl.nullable(),
  oauthTokenUrl: httpsUrl.nullable(),
  oauthClientId: line(512).nullable(),
  oauthScopes: line(2048).nullable(),
  /** What the login service calls itself (`iss`); may hold `{tenantid}`. */
  oauthIssuer: httpsUrl.nullable(),
  /** True for a mailbox that is opened by accounts with another address. */
  oauthSharedMailbox: z.boolean(),
};

const name = line(255);
const mailbox = line(320).refine((value) => !/\s/.test(value), 'A mailbox address has no blanks.');

const optionalSecrets = {
  password: secrets.password.optional(),
  oauthClientSecret: secrets.oauthClientSecret.optional(),
  oauthRefreshToken: secrets.oauthRefreshToken.optional(),
  /** A login that was made with these settings (`POST /api/email/oauth/imap/initiate`); its tokens are taken over. */
  oauthAuthorizationId: z.uuid().optional(),
};

/** The whole of `imap`, with what a create or a replace leaves out filled in. */
export const imapSettingsSchema = z.strictObject({
  host: fields.host,
  port: fields.port,
  secure: fields.secure.default(true),
  allowStarttls: fields.allowStarttls.default(false),
  authType: fields.authType.default('password'),
  username: fields.username,
  folderFilters: fields.folderFilters.default([]),
  startFrom: fields.startFrom.default({ kind: 'now' }),
  verifyCertificate: fields.verifyCertificate.default(true),
  oauthAuthorizeUrl: fields.oauthAuthorizeUrl.default(null),
  oauthTokenUrl: fields.oauthTokenUrl.default(null),
  oauthClientId: fields.oauthClientId.default(null),
  oauthScopes: fields.oauthScopes.default(null),
  oauthIssuer: fields.oauthIssuer.default(null),
  oauthSharedMailbox: fields.oauthSharedMailbox.default(false),
  ...optionalSecrets,
});

export const imapPatchSchema = z.strictObject({
  ...z.strictObject(fields).partial().shape,
  ...optionalSecrets,
});

/** With everything that a login needs: nothing is stored yet that could fill a gap. */
export const newImapSettingsSchema = imapSettingsSchema.superRefine(
  (imap, context) => {
    for (const { field, code, message } of loginFieldErrors(loginFields(imap), true))
      context.addIssue({ code: 'custom', path: [field], message, params: { code } });
  },
  // Beside errors of single fields, not only once these are mended.
  { when: () => true },
);

/** What failed its own check may be anything. */
function loginFields(imap: unknown): LoginFields {
  return typeof imap === 'object' && imap !== null ? imap : {};
}

/** PUT. A secret that is left out stays as it is, or is erased when it would go to another server. */
export const providerBodySchema = z.strictObject({
  providerType: z.literal('imap').default('imap'),
  providerName: name,
  mailbox,
  isActive: z.boolean().default(true),
  imap: imapSettingsSchema,
});

/** POST. */
export const newProviderBodySchema = providerBodySchema.extend({ imap: newImapSettingsSchema });

/** PATCH: what is left out stays as it is. */
export const providerPatchSchema = z.strictObject({
  providerType: z.literal('imap').optional(),
  providerName: name.optional(),
  mailbox: mailbox.optional(),
  isActive: z.boolean().optional(),
  imap: imapPatchSchema.optional(),
});

export type ProviderBody = z.infer<typeof providerBodySchema>;
export type ProviderPatch = z.infer<typeof providerPatchSchema>;
export type ImapSettingsBody = z.infer<typeof imapSettingsSchema>;
export type ImapPatch = z.infer<typeof imapPatchSchema>;
