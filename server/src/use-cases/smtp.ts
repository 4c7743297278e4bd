/** The rules behind the settings for outgoing mail. */
import { transportSecurity } from '@mailstream/shared/domain/provider';
import type { ProviderId } from '@mailstream/shared/domain/ids';
import { isSendableAddress } from '@mailstream/shared/domain/mail-address';
import type { SmtpSettings } from '@mailstream/shared/mail/smtp-settings';
import { FaultError } from '@mailstream/shared/errors/fault-error';
import { ApiError, fieldError } from '../api-error.ts';
import type { FieldError } from '../contracts/errors.ts';
import type { Smtp, SmtpBody, SmtpTestResult } from '../contracts/outbound.ts';
import type { Actor, SmtpServer, SmtpStore } from '../ports.ts';

export interface SmtpUseCases {
  get(actor: Actor, id: ProviderId): Promise<Smtp | null>;
  set(actor: Actor, id: ProviderId, body: SmtpBody): Promise<Smtp>;
  remove(actor: Actor, id: ProviderId): Promise<void>;
  test(actor: Actor, id: ProviderId, body: SmtpBody, signal: AbortSignal): Promise<SmtpTestResult>;
}

export function createSmtpUseCases(ports: {
  readonly smtp: SmtpStore;
  readonly smtpServer: SmtpServer;
}): SmtpUseCases {
  const { smtp, smtpServer } = ports;

  /** Checks everything that can be checked without a connection. @returns the address that mails are from */
  const check = async (actor: Actor, id: ProviderId, body: SmtpBody): Promise<string> => {
    const mailbox = await smtp.mailbox(actor.tenant, id);
    if (mailbox === null) throw new ApiError('NOT_FOUND');
    const fromEmail = (body.fromEmail ?? mailbox.mailbox).toLowerCase();
    const fields: FieldError[] = [];
    if (!isSendableAddress(fromEmail))
      fields.push(invalid('fromEmail', 'The mailbox has no plain address: enter one.'));
    if (body.authType !== 'none' && body.username === null)
      fields.push(invalid('username', 'A login needs a user name.'));
    if (body.authType === 'oauth2' && !mailbox.usesOauth)
      fields.push(invalid('authType', 'The mailbox itself is not connected with OAuth.'));
    if (body.password !== undefined && body.authType !== 'password')
      fields.push(invalid('password', 'This kind of login has no password.'));
    if (fields.length > 0) throw new ApiError('VALIDATION_FAILED', { fields });
    await refuseRelaxed(actor, id, body);
    await vetServer(body);
    return fromEmail;
  };

  const refuseRelaxed = async (actor: Actor, id: ProviderId, body: SmtpBody): Promise<void> => {
    if (body.verifyCertificate || actor.scopes.has('operator')) return;
    const before = await smtp.get(actor.tenant, id);
    const isGranted =
      before !== null && !before.verifyCertificate && before.host === body.host && before.port === body.port;
    if (!isGranted)
      throw new ApiError('FORBIDDEN', {
        message: 'Only an operator may switch off the check of the mail server’s certificate.',
        fields: [
          { field: 'verifyCertificate', code: 'FORBIDDEN', message: 'Only an operator may switch this off.' },
        ],
      });
  };

  const vetServer = async ({ host, port, secure, allowStarttls }: SmtpBody): Promise<void> => {
    const isPlain = transportSecurity(secure, allowStarttls) === 'plain';
    const vetted = await smtpServer.vet(host, port).catch((error: unknown) => {
      const code = error instanceof FaultError ? error.fault.code : null;
      // A name that cannot be found just now is no reason to refuse settings with encryption.
      if (code === 'IMAP_DNS_NOT_FOUND' && !isPlain) return { allowsPlainText: false };
      if (code === 'EGRESS_FORBIDDEN' || code === 'IMAP_DNS_NOT_FOUND')
        throw new ApiError(code, { fields: [fieldError('host', code)], cause: error });
      throw error;
    });
    if (isPlain && !vetted.allowsPlainText)
      throw new ApiError('TLS_PLAIN_FORBIDDEN', { fields: [fieldError('secure', 'TLS_PLAIN_FORBIDDEN')] });
  };

  return {
    get: (actor, id) => smtp.get(actor.tenant, id),
    set: async (actor, id, body) => {
      const fromEmail = await check(actor, id, body);
      const result = await smtp.set(actor, id, body, fromEmail);
      const stored = await smtp.get(actor.tenant, id);
      if (result === 'notFound' || stored === null) throw new ApiError('NOT_FOUND');
      return stored;
    },
    remove: async (actor, id) => {
      if ((await smtp.remove(actor, id)) === 'notFound') throw new ApiError('NOT_FOUND');
    },
    test: async (actor, id, body, signal) => {
      const fromEmail = await check(actor, id, body);
      const stored = await smtp.get(actor.tenant, id);
      // What is stored goes only where it was entered for.
      const password =
        body.password ??
        (stored !== null && isSameServer(stored, body) ? await smtp.password(actor.tenant, id) : null);
      return smtpServer.test(actor.tenant, id, toSettings(body, fromEmail), password, signal);
    },
  };
}

/** A password goes to the server and user that it was entered for, and in no weaker way. */
export function isSameServer(
  stored: Omit<Smtp, 'hasPassword'>,
  body: Pick<
    SmtpBody,
    'host' | 'port' | 'username' | 'protocol' | 'secure' | 'allowStarttls' | 'verifyCertificate' | 'authType'
  >,
): boolean {
  return (
    stored.host === body.host &&
    stored.port === body.port &&
    stored.username === body.username &&
    stored.protocol === body.protocol &&
    transportSecurity(stored.secure, stored.allowStarttls) ===
      transportSecurity(body.secure, body.allowStarttls) &&
    stored.verifyCertificate === body.verifyCertificate &&
    body.authType === 'password'
  );
}

export function toSettings(body: SmtpBody, fromEmail: string): SmtpSettings {
  const { secure, allowStarttls, password: _secret, ...rest } = body;
  return { ...rest, fromEmail, security: transportSecurity(secure, allowStarttls) };
}

function invalid(field: string, message: string): FieldError {
  return { field, code: 'INVALID', message };
}
