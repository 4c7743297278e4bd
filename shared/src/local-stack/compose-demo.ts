/**
 * What `npm start` does around its services, as two steps of their own for docker-compose.dev.yml: before the services start,
 * the login and the demo tenant; once they are ready, the demo mailbox and a sample mail that becomes a ticket.
 * Harmless when repeated. Ids are fixed, and passwords come from the compose file: that stack listens on loopback only.
 */
import { streamName } from '../events/email-received.ts';
import { EnvReader } from '../runtime/env.ts';
import { redisUrlProblem } from '../runtime/redis.ts';
import { REDIS_SCHEMES } from '../runtime/redis-url.ts';
import { DEMO_MAILBOX, ensureDemoMailbox, whenWatched } from './demo-mailbox.ts';
import { ensureDemoSmtp } from './demo-smtp.ts';
import { createDemoTenant, DEMO_EMAIL } from './demo-tenant.ts';
import { createLogin } from './login-role.ts';
import { sendSample } from './sample-mail.ts';
import type { MailEndpoints } from './servers.ts';

type Environment = Readonly<Record<string, string | undefined>>;

const IDS = {
  tenantId: '00000000-0000-4000-8000-00000000de01',
  userId: '00000000-0000-4000-8000-00000000de02',
  apiTokenId: '00000000-0000-4000-8000-00000000de03',
};
const POSTGRES = { protocols: ['postgres', 'postgresql'] };

/**
 * Makes the login of `DATABASE_URL` and the demo tenant, as the administrator of `MIGRATION_DATABASE_URL`. Needs the schema.
 * @returns what to tell the person at the terminal
 * @throws ConfigError with every variable that is missing or wrong
 */
export async function makeDemoTenant(environment: Environment): Promise<string> {
  const env = new EnvReader(environment);
  const adminUrl = env.url('MIGRATION_DATABASE_URL', POSTGRES);
  const loginUrl = env.url('DATABASE_URL', POSTGRES);
  const userPassword = env.string('DEMO_PASSWORD');
  const apiToken = env.string('DEMO_API_TOKEN');
  env.finish();
  const { username, password } = new URL(loginUrl);
  await createLogin(adminUrl, {
    user: decodeURIComponent(username),
    password: decodeURIComponent(password),
  });
  await createDemoTenant(adminUrl, { ...IDS, userPassword, apiToken });
  return `The demo tenant is there: log in with ${DEMO_EMAIL}   ${userPassword}`;
}

/**
 * Adds the demo mailbox over the API, waits until it is watched, and sends a mail to it.
 * @returns what to tell the person at the terminal
 * @throws ConfigError with every variable that is missing or wrong; SetupError naming the step that did not work
 */
export async function tryDemoMailbox(environment: Environment): Promise<string> {
  const env = new EnvReader(environment);
  const adminUrl = env.url('MIGRATION_DATABASE_URL', POSTGRES);
  const redis = env.url('REDIS_URL', { protocols: REDIS_SCHEMES, problemOf: redisUrlProblem });
  const api = {
    url: env.url('DEMO_API_URL', { protocols: ['http'] }),
    token: env.string('DEMO_API_TOKEN'),
  };
  const imapUrl = env.url('DEMO_IMAP_URL', { protocols: ['imap'] });
  const smtpUrl = env.url('DEMO_SMTP_URL', { protocols: ['smtp'] });
  const byTenant = env.boolean('IMAP_EVENT_CHANNEL_BY_TENANT', { default: false });
  env.finish();
  const mail = endpoints(new URL(imapUrl), new URL(smtpUrl));
  const providerId = await ensureDemoMailbox(api, mail);
  await ensureDemoSmtp(api, mail, providerId, DEMO_MAILBOX);
  await whenWatched(adminUrl, IDS.tenantId, providerId);
  const stream = streamName(IDS.tenantId, byTenant);
  const arrival = await sendSample(mail, { redis, stream, admin: adminUrl, tenant: IDS.tenantId });
  return `A sample mail became event ${arrival.eventId} after ${arrival.latencyMs} ms and ticket #${arrival.ticketNumber}.`;
}

function endpoints(imap: URL, smtp: URL): MailEndpoints {
  return {
    imap: {
      host: imap.hostname,
      port: Number(imap.port),
      user: decodeURIComponent(imap.username),
      password: decodeURIComponent(imap.password),
    },
    smtp: { host: smtp.hostname, port: Number(smtp.port), lmtp: false },
  };
}
