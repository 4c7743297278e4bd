/** From a mail of ours to the server of its mailbox: MIME by nodemailer, credentials, SMTP. */
import { providerId, type ProviderId, type TenantId } from '@mailstream/shared/domain/ids';
import { FaultError } from '@mailstream/shared/errors/fault-error';
import {
  openSmtpSession,
  SmtpError,
  type SmtpCredentials,
  type SmtpPorts,
} from '@mailstream/shared/mail/smtp-session';
import type { SmtpSettings } from '@mailstream/shared/mail/smtp-settings';
import type { SecretStore } from '@mailstream/shared/secrets/secret-store';
import type { TokenService } from '@mailstream/shared/oauth/token-service';
import type { Storage } from '@mailstream/shared/storage/storage';
import MailComposer from 'nodemailer/lib/mail-composer';
import { formMail, type MailForm } from '../core/outgoing-mail.ts';
import type { ClaimedMail, MailCarrier, StoredFile } from '../outbound/ports.ts';

/** Servers take 25 MB or more of encoded mail, which is a third larger. */
const MAX_ATTACHMENT_BYTES = 18 * 1024 * 1024;

export interface MailCarrierOptions {
  readonly smtp: SmtpPorts;
  readonly secrets: Pick<SecretStore, 'read'>;
  readonly tokens: Pick<TokenService, 'accessToken'>;
  readonly storage: Pick<Storage, 'read'>;
}

export function createMailCarrier({ smtp, secrets, tokens, storage }: MailCarrierOptions): MailCarrier {
  const credentialsOf = async (
    tenant: TenantId,
    id: ProviderId,
    { authType, username }: SmtpSettings,
  ): Promise<SmtpCredentials> => {
    if (authType === 'none') return { kind: 'none' };
    if (authType === 'oauth2')
      return {
        kind: 'oauth2',
        username: username ?? '',
        accessToken: await tokens.accessToken({ tenant, id }),
      };
    const password = await secrets.read({ tenant, providerId: providerId(id), name: 'smtp_password' });
    if (password === null)
      throw new FaultError({ kind: 'auth', code: 'SMTP_AUTH_REJECTED', detail: 'no password is stored' });
    return { kind: 'password', username: username ?? '', password };
  };

  return {
    carry: async ({ tenant, providerId: id, mail, settings, attachments }, mayStillSend, signal) => {
      const form = formMail(mail, settings);
      if (form === null) throw invalid('an address or the Message-ID is none');
      const message = await mime(form, await contents(attachments, storage));
      const credentials = await credentialsOf(tenant, id, settings);
      const envelopes = [form.returnPath, ...(form.returnPath === '' ? [settings.fromEmail] : [])];
      for (const from of envelopes) {
        const session = await openSmtpSession(settings, credentials, smtp, signal);
        try {
          if (!mayStillSend())
            throw new FaultError({
              kind: 'transient',
              code: 'SMTP_TIMEOUT',
              detail: 'the login took too long',
            });
          return await session.send({ from, to: form.to }, message);
        } catch (error) {
          // Some submission servers take no null return path; then the headers alone have to stop the loop.
          const mayGoOn =
            error instanceof SmtpError && error.isNullSenderRefused && from !== envelopes.at(-1);
          if (!mayGoOn) throw error;
        } finally {
          session.close();
        }
      }
    },
  };
}

async function contents(
  files: ClaimedMail['attachments'],
  storage: Pick<Storage, 'read'>,
): Promise<readonly { readonly file: StoredFile; readonly bytes: Buffer }[]> {
  if (files.reduce((sum, { size }) => sum + size, 0) > MAX_ATTACHMENT_BYTES)
    throw invalid('the attachments are too large');
  const read: { file: StoredFile; bytes: Buffer }[] = [];
  for (const file of files) {
    const chunks: Uint8Array[] = [];
    try {
      for await (const chunk of await storage.read(file.storageKey)) chunks.push(chunk as Uint8Array);
    } catch (error) {
      if (error instanceof FaultError && error.fault.code === 'NOT_FOUND')
        throw invalid('an attachment is gone');
      throw error;
    }
    read.push({ file, bytes: Buffer.concat(chunks) });
  }
  return read;
}

async function mime(
  form: MailForm,
  files: readonly { readonly file: StoredFile; readonly bytes: Buffer }[],
): Promise<Uint8Array> {
  const composer = new MailComposer({
    from: form.from,
    to: { address: form.to, name: '' },
    subject: form.subject,
    messageId: form.messageId,
    ...(form.replyTo === null ? {} : { replyTo: { address: form.replyTo, name: form.from.name } }),
    ...(form.inReplyTo === null ? {} : { inReplyTo: form.inReplyTo }),
    ...(form.references.length === 0 ? {} : { references: [...form.references] }),
    headers: { ...form.headers },
    text: form.text,
    ...(form.html === null ? {} : { html: form.html }),
    attachments: files.map(({ file, bytes }) => ({
      filename: file.name,
      contentType: file.contentType,
      content: bytes,
    })),
    // Nothing in a mail may make us open a file or a connection.
    disableFileAccess: true,
    disableUrlAccess: true,
    newline: 'windows',
  });
  return await composer.compile().build();
}

function invalid(detail: string): FaultError {
  return new FaultError({ kind: 'misconfigured', code: 'SMTP_MESSAGE_INVALID', detail });
}
