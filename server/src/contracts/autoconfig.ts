/** Settings of a mail server found from an address, so that a person has to enter as little as possible. */
import { z } from 'zod';
import { line } from './text.ts';

const ADDRESS =
  /^[^\s@]{1,64}@(?:[\p{L}\p{N}_](?:[\p{L}\p{N}\p{M}_-]{0,61}[\p{L}\p{N}\p{M}])?\.)+[\p{L}][\p{L}\p{N}\p{M}-]*$/u;

export const autoconfigQuerySchema = z.strictObject({
  email: line(320).refine((value) => ADDRESS.test(value), 'Enter a whole address, like support@example.com.'),
});

export const settingsHintSchema = z.enum(['app_password', 'oauth_only', 'enable_imap', 'check_server']);

export const oauthPresetSchema = z.object({
  authorizeUrl: z.string(),
  tokenUrl: z.string(),
  scopes: z.string(),
  issuer: z.string(),
  /** Scopes of the application's own login, without a user; null where there is none. */
  applicationScopes: z.string().nullable(),
});

export const foundSettingsSchema = z.object({
  host: z.string(),
  port: z.number(),
  secure: z.boolean(),
  allowStarttls: z.boolean(),
  username: z.string(),
  /** The best one first. */
  logins: z.array(z.enum(['password', 'oauth2'])),
});

export const autoconfigSchema = z
  .object({
    email: z.string(),
    /**
     * `preset`: a service that we know by the domain · `mx`: the domain's mail goes to a service that we know · `autoconfig`: a file that
     * the domain publishes · `srv`: its DNS (RFC 6186) · `none`: nothing was found.
     */
    source: z.enum(['preset', 'mx', 'autoconfig', 'srv', 'none']),
    /** The service, where it is a known one. */
    service: z.object({ id: z.string(), name: z.string() }).nullable(),
    settings: foundSettingsSchema.nullable(),
    oauth: oauthPresetSchema.nullable(),
    /** What a person has to know beforehand. */
    hint: settingsHintSchema.nullable(),
    hintText: z.string().nullable(),
  })
  .meta({ id: 'FoundSettings' });

export type Autoconfig = z.infer<typeof autoconfigSchema>;
export type FoundSettings = z.infer<typeof foundSettingsSchema>;
export type SettingsHint = z.infer<typeof settingsHintSchema>;
