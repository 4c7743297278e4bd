/** The HTTP application from its ports: no listening, no environment. */
import cookie from '@fastify/cookie';
import { randomUUID } from 'node:crypto';
import Fastify, { type FastifyInstance } from 'fastify';
import { serializerCompiler, validatorCompiler } from 'fastify-type-provider-zod';
import type { RedisClient } from '@mailstream/shared/runtime/redis-servers';
import type { ChangeTeller } from '@mailstream/shared/db/change-teller';
import { providerId } from '@mailstream/shared/domain/ids';
import type { Clock } from '@mailstream/shared/domain/time';
import type { Logger } from '@mailstream/shared/runtime/logger';
import { registerChangeTelling } from './plugins/change-telling.ts';
import { registerApiDocs } from './plugins/api-docs.ts';
import { registerAuth } from './plugins/auth.ts';
import { registerErrors, sendNotFound } from './plugins/errors.ts';
import { registerJsonOnly } from './plugins/json-only.ts';
import { registerQuota } from './plugins/quota.ts';
import { registerRateLimits, type RateLimitSettings } from './plugins/rate-limits.ts';
import { registerRequestLog, type RequestObserver } from './plugins/request-log.ts';
import { registerSecurityHeaders } from './plugins/security-headers.ts';
import { registerSilentConnections } from './plugins/silent-connections.ts';
import { registerWebUi } from './plugins/web-ui.ts';
import type {
  AccountStore,
  DeadLetterStore,
  Health,
  JobBoard,
  JobStore,
  MessageStore,
  OperationsStore,
  OutboundStore,
  PasswordHasher,
  ProviderStore,
  RawStore,
  ReplyStore,
  SmtpServer,
  SmtpStore,
  TicketStore,
} from './ports.ts';
import type { ApiTokenStore, AuditLogStore, TenantStore, UserStore } from './ports/accounts.ts';
import type { ChangeFeed } from './ports/live.ts';
import type { MailServer } from './ports/mail-server.ts';
import type { MailDirectory } from './ports/mail-directory.ts';
import type { ClientStore } from './ports/clients.ts';
import type { AuthorizationStore, OAuthClient } from './ports/oauth.ts';
import { autoconfigRoutes } from './routes/autoconfig.ts';
import type { QuotaStore } from './ports/quotas.ts';
import type { RuleStore } from './ports/rules.ts';
import { deadLetterRoutes } from './routes/dead-letters.ts';
import { clientRoutes } from './routes/clients.ts';
import { healthRoutes } from './routes/health.ts';
import { jobRoutes } from './routes/jobs.ts';
import { messageRoutes } from './routes/messages.ts';
import { oauthRoutes } from './routes/oauth.ts';
import { operationRoutes } from './routes/operations.ts';
import { outboundRoutes } from './routes/outbound.ts';
import { passwordRoutes } from './routes/password.ts';
import { providerRoutes } from './routes/providers.ts';
import { providerTestRoutes } from './routes/provider-test.ts';
import { quotaRoutes } from './routes/quota.ts';
import { ruleRoutes } from './routes/rules.ts';
import { sessionRoutes } from './routes/session.ts';
import { smtpRoutes } from './routes/smtp.ts';
import { streamRoutes } from './routes/stream.ts';
import { tenantRoutes } from './routes/tenants.ts';
import { ticketDefaultsRoutes } from './routes/ticket-defaults.ts';
import { tokenRoutes } from './routes/tokens.ts';
import { userRoutes } from './routes/users.ts';
import { ticketRoutes } from './routes/tickets.ts';
import { createAccountUseCases } from './use-cases/accounts.ts';
import { createApiCallMeter } from './use-cases/api-call-meter.ts';
import { createLiveStreams } from './use-cases/live-streams.ts';
import { createFindSettings } from './use-cases/find-settings.ts';
import { createLoginLinkUseCases } from './use-cases/login-links.ts';
import { createMailboxTestUseCases } from './use-cases/mailbox-test.ts';
import { createFindGrant } from './use-cases/oauth-grants.ts';
import { createOAuthLoginUseCases } from './use-cases/oauth-logins.ts';
import { createOAuthCallback } from './use-cases/oauth-returns.ts';
import { createOperationsUseCases } from './use-cases/operations.ts';
import { createProviderUseCases } from './use-cases/providers.ts';
import { createTenantUseCases } from './use-cases/tenants.ts';
import { createUserUseCases } from './use-cases/users.ts';
import { createRuleTests } from './use-cases/rule-tests.ts';
import { createSmtpUseCases } from './use-cases/smtp.ts';

export interface AppPorts {
  readonly accounts: AccountStore;
  readonly users: UserStore;
  readonly apiTokens: ApiTokenStore;
  readonly tenants: TenantStore;
  readonly auditLog: AuditLogStore;
  readonly passwords: PasswordHasher;
  readonly providers: ProviderStore;
  readonly mailServer: MailServer;
  readonly mailDirectory: MailDirectory;
  readonly authorizations: AuthorizationStore;
  readonly oauthClient: OAuthClient;
  readonly messages: MessageStore;
  readonly deadLetters: DeadLetterStore;
  readonly tickets: TicketStore;
  readonly clients: ClientStore;
  readonly rules: RuleStore;
  readonly operations: OperationsStore;
  readonly smtp: SmtpStore;
  readonly smtpServer: SmtpServer;
  readonly replies: ReplyStore;
  readonly outbound: OutboundStore;
  readonly jobs: JobStore;
  readonly quotas: QuotaStore;
  readonly raw: RawStore;
  readonly feed: ChangeFeed;
  readonly changes: Pick<ChangeTeller, 'tell'>;
  /** For streams; requests take `now`. */
  readonly clock: Clock;
  readonly health: Health;
  readonly observer: RequestObserver;
  readonly log: Logger;
  readonly now: () => Date;
}

export interface AppOptions {
  /** Where users reach us, e.g. `https://mail.example.com`; null takes it from each request. */
  readonly publicOrigin: string | null;
  /** Addresses of proxies whose `X-Forwarded-*` headers are believed. */
  readonly trustedProxies: readonly string[];
  readonly sessionTtlMs: number;
  readonly limits: RateLimitSettings;
  /** What limits are counted in, over all replicas; null lets this one count by itself. */
  readonly limitsRedis: RedisClient | null;
  /** Directory of the built settings UI; null serves the API alone. */
  readonly webRoot: string | null;
  readonly version: string;
  /** Null where the server does not know Redis. */
  readonly jobBoard: JobBoard | null;
}

/** The largest body: a hundred folder names and a few tokens. */
const BODY_LIMIT_BYTES = 256 * 1024;
/** Longest wait for a whole request, headers and body. */
const REQUEST_TIMEOUT_MS = 30_000;

/** Resolves when every route is registered; the caller listens and closes. */
export async function buildApp(ports: AppPorts, options: AppOptions): Promise<FastifyInstance> {
  const app = Fastify({
    logger: false,
    bodyLimit: BODY_LIMIT_BYTES,
    requestTimeout: REQUEST_TIMEOUT_MS,
    trustProxy: options.trustedProxies.length === 0 ? false : [...options.trustedProxies],
    genReqId: () => randomUUID(),
    forceCloseConnections: 'idle',
  });
  app.setValidatorCompiler(validatorCompiler);
  app.setSerializerCompiler(serializerCompiler);
  registerSilentConnections(app);
  registerErrors(app, ports.log);
  registerRequestLog(app, ports.observer, ports.log);
  registerJsonOnly(app);
  await registerSecurityHeaders(app);
  await app.register(cookie);
  const accounts = createAccountUseCases({ ...ports, sessionTtlMs: options.sessionTtlMs });
  await registerApiDocs(app, options.version);
  registerAuth(app, { accounts, publicOrigin: options.publicOrigin });
  const meter = createApiCallMeter({ ...ports, store: ports.quotas });
  registerQuota(app, { meter, observer: ports.observer });
  registerChangeTelling(app, ports.changes);
  const limits = await registerRateLimits(app, options.limits, options.limitsRedis);
  const { publicOrigin, jobBoard } = options;
  await registerRoutes(app, ports, { accounts, limits, publicOrigin, jobBoard });
  await options.jobBoard?.register(app);
  if (options.webRoot === null) app.setNotFoundHandler((_request, reply) => sendNotFound(reply));
  else await registerWebUi(app, options.webRoot);
  await app.ready();
  return app;
}

async function registerRoutes(
  app: FastifyInstance,
  ports: AppPorts,
  parts: {
    readonly accounts: ReturnType<typeof createAccountUseCases>;
    readonly limits: Awaited<ReturnType<typeof registerRateLimits>>;
    readonly publicOrigin: string | null;
    readonly jobBoard: JobBoard | null;
  },
): Promise<void> {
  const { providers, mailServer, operations, messages, deadLetters, raw, tickets, health, observer } = ports;
  const { accounts, limits, publicOrigin, jobBoard } = parts;
  const newId = () => providerId(randomUUID());
  const findGrant = createFindGrant(ports);
  const logins = createOAuthLoginUseCases(ports);
  await app.register(
    sessionRoutes({ accounts, limitLogin: limits.login, publicOrigin, onLogin: observer.onLogin }),
  );
  await app.register(
    providerTestRoutes({
      useCases: createMailboxTestUseCases({ providers, mailServer, newId, findGrant }),
      limitTests: limits.mailServerTest,
    }),
  );
  await app.register(
    providerRoutes({
      providers,
      useCases: createProviderUseCases({ providers, mailServer, newId, findGrant }),
    }),
  );
  const users = createUserUseCases(ports);
  await app.register(
    passwordRoutes({ useCases: users, limitLogin: limits.login, publicOrigin, changes: ports.changes }),
  );
  await app.register(userRoutes({ users: ports.users, useCases: users }));
  await app.register(tokenRoutes({ ...ports, useCases: users }));
  await app.register(tenantRoutes({ useCases: createTenantUseCases(ports) }));
  await app.register(messageRoutes({ messages, raw }));
  await app.register(
    autoconfigRoutes({
      findSettings: createFindSettings(ports.mailDirectory),
      limitLookUps: limits.lookUp,
    }),
  );
  await app.register(
    oauthRoutes({
      ...{ logins, accounts, publicOrigin, limitLookUps: limits.lookUp },
      callback: createOAuthCallback(ports),
      links: createLoginLinkUseCases({ ...ports, logins }),
    }),
  );
  await app.register(deadLetterRoutes({ deadLetters, raw }));
  await app.register(ticketRoutes({ tickets, raw }));
  await app.register(ticketDefaultsRoutes({ tickets }));
  await app.register(clientRoutes(ports));
  await app.register(
    ruleRoutes({ rules: ports.rules, tests: createRuleTests(ports), limitTests: limits.ruleTest }),
  );
  await app.register(
    operationRoutes({ operations, jobBoard, useCases: createOperationsUseCases({ operations, providers }) }),
  );
  await app.register(smtpRoutes({ useCases: createSmtpUseCases(ports), limitTests: limits.mailServerTest }));
  await app.register(outboundRoutes(ports));
  await app.register(jobRoutes(ports));
  await app.register(quotaRoutes(ports));
  await app.register(
    streamRoutes({
      streams: createLiveStreams({
        feed: ports.feed,
        accounts,
        clock: ports.clock,
        onCount: observer.onEventStreams,
      }),
    }),
  );
  await app.register(healthRoutes({ health }));
}
