/** The composition root: the only file that makes adapters. */
import { createChangeTeller } from '@mailstream/shared/db/change-teller';
import { createDatabase } from '@mailstream/shared/db/database';
import { imapTlsContext } from '@mailstream/shared/imap/imap-client';
import { plaintextPolicy } from '@mailstream/shared/imap/plaintext-policy';
import { createEgressGuard } from '@mailstream/shared/net/egress-guard';
import { createTokenService } from '@mailstream/shared/oauth/token-service';
import type { Composition } from '@mailstream/shared/runtime/lifecycle';
import { createLogger } from '@mailstream/shared/runtime/logger';
import { createMetrics, type Metrics } from '@mailstream/shared/runtime/metrics';
import { closeRedis, createRedis } from '@mailstream/shared/runtime/redis';
import { systemClock } from '@mailstream/shared/runtime/system-clock';
import { createSecretBox } from '@mailstream/shared/secrets/secret-box';
import { createSecretStore } from '@mailstream/shared/secrets/secret-store';
import { createStorage } from '@mailstream/shared/storage/create-storage';
import type { AppOptions, AppPorts } from './app.ts';
import { createPasswordHasher } from './adapters/argon2-passwords.ts';
import { createHealth } from './adapters/health.ts';
import { createMailDirectory } from './adapters/mail-directory.ts';
import { createMailServer } from './adapters/mail-server.ts';
import { createApiTokenStore } from './adapters/pg-api-tokens.ts';
import { createAuditLogStore } from './adapters/pg-audit-log.ts';
import { createTenantStore } from './adapters/pg-tenants.ts';
import { createUserStore } from './adapters/pg-users.ts';
import { createOAuthClient } from './adapters/oauth-client.ts';
import { createAccountStore } from './adapters/pg-accounts.ts';
import { readInstallationHealth } from './adapters/pg-installation.ts';
import { createPgChangeFeed } from './adapters/pg-change-feed.ts';
import { createDeadLetterStore } from './adapters/pg-dead-letters.ts';
import { createClientStore } from './adapters/pg-clients.ts';
import { createJobStore } from './adapters/pg-jobs.ts';
import { createMessageStore } from './adapters/pg-messages.ts';
import { createSmtpServer } from './adapters/mail-smtp-server.ts';
import { createAuthorizationStore } from './adapters/pg-oauth-authorizations.ts';
import { createOperationsStore } from './adapters/pg-operations.ts';
import { createOutboundStore } from './adapters/pg-outbound.ts';
import { createProviderStore } from './adapters/pg-providers.ts';
import { createQuotaStore } from './adapters/pg-quotas.ts';
import { createRuleStore } from './adapters/pg-rules.ts';
import { createSmtpStore } from './adapters/pg-smtp-settings.ts';
import { createReplyStore } from './adapters/pg-ticket-replies.ts';
import { createTicketStore } from './adapters/pg-tickets.ts';
import { createJobBoard } from './adapters/redis-job-board.ts';
import type { Config } from './config.ts';
import { createHttpServer } from './http-server.ts';
import type { RequestObserver } from './plugins/request-log.ts';
import { VERSION } from './version.ts';

/** Where notices do not arrive. */
const FEED_POLL_MS = 2_000;

export function compose(config: Config): Composition {
  const log = createLogger({ service: 'server', level: config.logLevel });
  const metrics = createMetrics({ service: 'server', version: VERSION, processMetrics: true });
  const database = createDatabase({
    ...config.database,
    applicationName: 'mailstream-server',
    poolMax: config.databasePoolMax,
  });
  const storage = createStorage(config.storageUrl);
  const { sources, keeper, service: secretPlaces } = config.secretPlaces;
  const box = createSecretBox(config.keyRing);
  const secrets = createSecretStore({ database, box, sources, keeper });
  const guard = createEgressGuard({
    allowCidrs: config.egressAllowCidrs,
    allowPorts: config.egressAllowPorts,
  });
  const tokens = createTokenService({
    database,
    secrets,
    guard,
    clock: systemClock,
    log,
    onRefresh: (result) => metrics.tokenRefreshes.inc({ result }),
  });
  const changes = createChangeTeller({ database, clock: systemClock, log });
  const feed = createPgChangeFeed({
    database,
    directUrl: config.directDatabaseUrl,
    clock: systemClock,
    log,
    pollMs: FEED_POLL_MS,
  });
  const ports: AppPorts = {
    accounts: createAccountStore(database),
    users: createUserStore(database),
    apiTokens: createApiTokenStore(database),
    tenants: createTenantStore(database),
    auditLog: createAuditLogStore(database),
    passwords: createPasswordHasher(),
    providers: createProviderStore({ database, secrets, sources }),
    mailServer: createMailServer({
      guard,
      tokens,
      deadlineMs: 4 * config.connectionTimeoutMs,
      imap: {
        plaintext: plaintextPolicy(config.plaintextAllowCidrs),
        clock: systemClock,
        tls: imapTlsContext(),
        settings: {
          connectTimeoutMs: config.connectionTimeoutMs,
          deadlineMs: 3 * config.connectionTimeoutMs,
          oauthMechanism: config.oauthMechanism,
          keepAlive: false,
        },
      },
    }),
    mailDirectory: createMailDirectory({ fetch: guard.fetch }),
    authorizations: createAuthorizationStore({ database, box }),
    oauthClient: createOAuthClient({ fetch: guard.fetch, now: () => systemClock.now() }),
    messages: createMessageStore(database),
    deadLetters: createDeadLetterStore(database),
    tickets: createTicketStore(database),
    clients: createClientStore(database),
    rules: createRuleStore(database),
    operations: createOperationsStore(database),
    smtp: createSmtpStore({ database, secrets }),
    smtpServer: createSmtpServer({
      tokens,
      clock: systemClock,
      deadlineMs: 4 * config.connectionTimeoutMs,
      smtp: {
        guard,
        plaintext: plaintextPolicy(config.plaintextAllowCidrs),
        tls: imapTlsContext(),
        timeouts: { connectMs: config.connectionTimeoutMs, silenceMs: config.connectionTimeoutMs },
      },
    }),
    replies: createReplyStore(database),
    outbound: createOutboundStore(database),
    jobs: createJobStore(database),
    quotas: createQuotaStore(database),
    raw: storage,
    feed,
    changes,
    clock: systemClock,
    health: createHealth({ database, metrics }),
    observer: observer(metrics),
    log,
    now: () => systemClock.now(),
  };
  metrics.onScrape(async () => {
    const health = await database.asDaemon(readInstallationHealth);
    metrics.dataAgeMax.set(health.oldestSeconds);
    metrics.dataAgeStale.set(health.staleFolders);
    metrics.mailboxesFailing.reset();
    for (const [code, mailboxes] of health.failing) metrics.mailboxesFailing.set({ code }, mailboxes);
    metrics.unpublished.set(health.unpublished);
    metrics.unpublishedAge.set(health.unpublishedSeconds);
  });
  const options: AppOptions = {
    publicOrigin: config.publicOrigin,
    trustedProxies: config.trustedProxies,
    sessionTtlMs: config.sessionTtlMs,
    limits: config,
    limitsRedis:
      config.redisUrl === null ? null : createRedis({ url: config.redisUrl, name: 'server-limits', log }),
    webRoot: config.webRoot,
    version: VERSION,
    jobBoard: config.redisUrl === null ? null : createJobBoard(config.redisUrl, log),
  };
  const closing = { name: 'stores', start: () => Promise.resolve(), stop: closeStores };
  async function closeStores(): Promise<void> {
    // A token that was just rotated must still reach the database.
    await tokens.idle();
    await secrets.idle();
    await options.jobBoard?.close();
    if (options.limitsRedis !== null) await closeRedis(options.limitsRedis);
    await storage.close();
    await database.close();
  }
  return {
    services: [
      secretPlaces,
      closing,
      changes,
      feed,
      createHttpServer({ ports, options, listen: config, log }),
    ],
    log,
  };
}

function observer(metrics: Metrics): RequestObserver {
  return {
    onRequest(method, route, status, durationMs) {
      metrics.httpRequests.inc({ method, route, status: String(status) });
      metrics.httpSeconds.observe({ method, route }, durationMs / 1000);
    },
    onLogin: (result) => metrics.logins.inc({ result }),
    onQuotaRefusal: (code) => metrics.quotaRefusals.inc({ code }),
    onEventStreams: (open) => metrics.eventStreams.set(open),
  };
}
