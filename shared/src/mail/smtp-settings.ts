/** Where and as whom a mailbox sends. No secret is ever part of it. */
import type { Knex } from 'knex';
import { z } from 'zod';
import type { ProviderId, TenantId } from '../domain/ids.ts';

const rowSchema = z.object({
  protocol: z.enum(['smtp', 'lmtp']),
  host: z.string(),
  port: z.number().int(),
  security: z.enum(['tls', 'starttls', 'plain']),
  verify_certificate: z.boolean(),
  auth_type: z.enum(['none', 'password', 'oauth2']),
  username: z.string().nullable(),
  from_email: z.string(),
  from_name: z.string().nullable(),
  plus_addressing: z.boolean(),
  max_per_minute: z.number().int(),
  acknowledge: z.boolean(),
  acknowledge_text: z.string().nullable(),
  acknowledge_per_hour: z.number().int(),
});

export interface SmtpServer {
  readonly protocol: 'smtp' | 'lmtp';
  readonly host: string;
  readonly port: number;
  /** `starttls` never goes on in clear; `plain` only where an operator allowed the address. */
  readonly security: 'tls' | 'starttls' | 'plain';
  readonly verifyCertificate: boolean;
}

export interface SmtpSettings extends SmtpServer {
  readonly authType: 'none' | 'password' | 'oauth2';
  /** Null only with `none`. */
  readonly username: string | null;
  readonly fromEmail: string;
  readonly fromName: string | null;
  /** The server delivers `name+anything@domain` into the mailbox `name@domain`. */
  readonly plusAddressing: boolean;
  readonly maxPerMinute: number;
  readonly acknowledge: boolean;
  /** With `{{number}}`, `{{subject}}`, `{{name}}`; null for the text of ours. */
  readonly acknowledgeText: string | null;
  /** To one address. */
  readonly acknowledgePerHour: number;
}

/** @returns null where this mailbox sends nothing. */
export async function loadSmtpSettings(
  trx: Knex.Transaction,
  tenant: TenantId,
  providerId: ProviderId,
): Promise<SmtpSettings | null> {
  const row: unknown = await trx('smtp_settings').where({ tenant, provider_id: providerId }).first();
  return row === undefined ? null : toSmtpSettings(row);
}

export function toSmtpSettings(row: unknown): SmtpSettings {
  const data = rowSchema.parse(row);
  return {
    protocol: data.protocol,
    host: data.host,
    port: data.port,
    security: data.security,
    verifyCertificate: data.verify_certificate,
    authType: data.auth_type,
    username: data.username,
    fromEmail: data.from_email,
    fromName: data.from_name,
    plusAddressing: data.plus_addressing,
    maxPerMinute: data.max_per_minute,
    acknowledge: data.acknowledge,
    acknowledgeText: data.acknowledge_text,
    acknowledgePerHour: data.acknowledge_per_hour,
  };
}

/** Columns of `smtp_settings`. */
export function smtpColumns(
  settings: SmtpSettings,
): Readonly<Record<string, string | number | boolean | null>> {
  return {
    protocol: settings.protocol,
    host: settings.host,
    port: settings.port,
    security: settings.security,
    verify_certificate: settings.verifyCertificate,
    auth_type: settings.authType,
    username: settings.username,
    from_email: settings.fromEmail,
    from_name: settings.fromName,
    plus_addressing: settings.plusAddressing,
    max_per_minute: settings.maxPerMinute,
    acknowledge: settings.acknowledge,
    acknowledge_text: settings.acknowledgeText,
    acknowledge_per_hour: settings.acknowledgePerHour,
  };
}
