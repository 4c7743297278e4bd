/** The demo mailbox sends through the local mail server, where every address has a mailbox: an answer to `ada@…` is seen in `ada`. */
import { z } from 'zod';
import type { Api } from './demo-mailbox.ts';
import type { MailEndpoints } from './servers.ts';
import { SetupError } from './setup-error.ts';

const storedSchema = z.looseObject({
  hasPassword: z.boolean(),
  host: z.string(),
  port: z.number(),
  protocol: z.enum(['smtp', 'lmtp']),
});

/**
 * Sets it, or tells it where the mail server is now; another server that somebody entered stays. Acknowledgements are off: who sends
 * mail to try things out does not expect any.
 */
export async function ensureDemoSmtp(
  api: Api,
  { smtp }: MailEndpoints,
  providerId: string,
  mailbox: string,
): Promise<void> {
  const url = `${api.url}/api/email/providers/${providerId}/smtp`;
  const headers = { authorization: `Bearer ${api.token}`, 'content-type': 'application/json' };
  const found = await fetch(url, { headers, signal: AbortSignal.timeout(30_000) });
  const stored = found.ok ? storedSchema.parse(await found.json()) : null;
  if (stored !== null && (stored.host !== smtp.host || stored.port === smtp.port)) return;
  const fresh = {
    protocol: smtp.lmtp ? 'lmtp' : 'smtp',
    host: smtp.host,
    secure: false,
    allowStarttls: false,
    authType: 'none',
    fromEmail: mailbox,
    fromName: 'Mailstream demo',
    // Dovecot's default; GreenMail has none.
    plusAddressing: smtp.lmtp,
  };
  const { hasPassword: _known, ...kept } = stored ?? { hasPassword: false, ...fresh };
  const response = await fetch(url, {
    method: 'PUT',
    headers,
    body: JSON.stringify({ ...kept, port: smtp.port }),
    signal: AbortSignal.timeout(30_000),
  });
  if (!response.ok)
    throw new SetupError(
      `PUT ${url} was answered with ${response.status}: ${(await response.text()).slice(0, 500)}`,
      1,
    );
}
