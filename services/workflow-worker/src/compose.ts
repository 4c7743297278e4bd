/** The composition root: the only file that makes adapters. */
import { randomUUID } from 'node:crypto';
import { createChangeTeller } from '@mailstream/shared/db/change-teller';
import { createDatabase } from '@mailstream/shared/db/database';
import { createService, type Composition } from '@mailstream/shared/runtime/lifecycle';
import { createLogger } from '@mailstream/shared/runtime/logger';
import { createMetrics } from '@mailstream/shared/runtime/metrics';
import { checkDependency, createOpsServer } from '@mailstream/shared/runtime/ops-server';
import { closeRedis, createRedis } from '@mailstream/shared/runtime/redis';
import { systemClock } from '@mailstream/shared/runtime/system-clock';
import { createEgressGuard } from '@mailstream/shared/net/egress-guard';
import type { Database } from '@mailstream/shared/db/database';
import { JOBS } from '@mailstream/shared/domain/jobs';
import type { Clock } from '@mailstream/shared/domain/time';
import { imapTlsContext } from '@mailstream/shared/imap/imap-client';
import { plaintextPolicy } from '@mailstream/shared/imap/plaintext-policy';
import { createTokenService, type TokenService } from '@mailstream/shared/oauth/token-service';
import type { Service } from '@mailstream/shared/runtime/lifecycle';
import type { Logger } from '@mailstream/shared/runtime/logger';
import type { Metrics } from '@mailstream/shared/runtime/metrics';
import { createSecretBox } from '@mailstream/shared/secrets/secret-box';
import { createSecretStore } from '@mailstream/shared/secrets/secret-store';
import { createTracing } from '@mailstream/shared/tracing/create-tracer';
import { createStorage } from '@mailstream/shared/storage/create-storage';
import type { RemovableStorage } from '@mailstream/shared/storage/storage';
import { createAlertWebhook } from './adapters/alert-webhook.ts';
import { createMailCarrier } from './adapters/mail-carrier.ts';
import { createPgDeadLetters } from './adapters/pg-dead-letters.ts';
import { createPgInbox } from './adapters/pg-inbox.ts';
import { createPgLetterAlerts } from './adapters/pg-letter-alerts.ts';
import { createPgJobs } from './adapters/pg-jobs.ts';
import { createMaintenance, createTokenCheck } from './adapters/pg-maintenance.ts';
import { createPgOutbox } from './adapters/pg-outbox.ts';
import { createPgRules } from './adapters/pg-rules.ts';
import { createPgJobPositions, createPgStorageReferences } from './adapters/pg-storage-references.ts';
import { createPgStreamDirectory } from './adapters/pg-stream-directory.ts';
import { createRedisEntrySource } from './adapters/redis-entry-source.ts';
import { createRedisJobQueue, createRedisJobWorker } from './adapters/redis-job-queue.ts';
import { createRuleThreads } from './adapters/rule-threads.ts';
import { createRedisMailQueue, createRedisMailWorker } from './adapters/redis-mail-queue.ts';
import { createAvailability } from './availability.ts';
import { tellingInbox, tellingLetters } from './change-telling.ts';
import type { Config } from './config.ts';
import { createEntryHandler } from './entry-handler.ts';
import { createJobClock } from './jobs/job-clock.ts';
import { createJobTurn } from './jobs/job-turn.ts';
import { createStorageCleanup } from './jobs/storage-cleanup.ts';
import { createLetterAlerts } from './letter-alerts.ts';
import { createLetterReplays } from './letter-replays.ts';
import { createMailRules } from './mail-rules.ts';
import { tracedHandler, tracedInbox } from './message-tracing.ts';
import type { MailConfig } from './outbound/mail-config.ts';
import { createMailRelay } from './outbound/mail-relay.ts';
import { createMailTurn } from './outbound/mail-turn.ts';
import { createReturnedMails } from './returned-mail.ts';
import { createStreamConsumer } from './stream-consumer.ts';

const SERVICE = 'workflow-worker';
const VERSION = '0.1.0';
/** Of the ten seconds a service has to stop: the rest is for what has begun. */
const DRAIN_MS = 5_000;
/** Connections for mails and jobs, whose transactions are short. */
const BACKGROUND_POOL = 4;

/** @param built what tests that run from sources take from `dist` */
export function compose(config: Config, built: { readonly ruleThread?: URL } = {}): Composition {
  const log = createLogger({ service: SERVICE, level: config.logLevel });
  const metrics = createMetrics({ service: SERVICE, version: VERSION, processMetrics: true });
  const clock = systemClock;
  const consumer = randomUUID();
  const database = createDatabase({
    ...config.database,
    applicationName: `mailstream-${SERVICE}`,
    poolMax: config.databasePoolMax,
    statementTimeoutMs: config.handlingDeadlineMs,
  });
  const redis = (name: string, blockMs?: number): ReturnType<typeof createRedis> =>
    createRedis({
      url: config.redisUrl,
      name: `${SERVICE}-${name}`,
      log,
      ...(blockMs === undefined ? {} : { blockMs }),
    });
  const blocking = redis('read', config.blockMs);
  const commands = redis('commands');

  const source = createRedisEntrySource({
    blocking,
    commands,
    blockMs: config.blockMs,
    consumer,
    now: () => clock.now().toISOString(),
  });
  // Of their own, so that mails, jobs and notices never keep a handler waiting.
  const background = createDatabase({
    ...config.database,
    applicationName: `mailstream-${SERVICE}-background`,
    poolMax: BACKGROUND_POOL,
  });
  const changes = createChangeTeller({ database: background, clock, log });
  const ruleThreads = createRuleThreads({ threadUrl: built.ruleThread });
  const rules = createMailRules({
    store: createPgRules(database),
    threads: ruleThreads,
    metrics,
    clock,
    log,
  });
  const storage = createStorage(config.storageUrl);
  const tracing = createTracing(config.traces, { version: VERSION, instanceId: consumer, log, metrics });
  const pgInbox = createPgInbox(database, { rules, returnedMails: createReturnedMails(storage, clock) });
  const inbox = tellingInbox(tracing.wrap(pgInbox, tracedInbox), changes.tell);
  const stopping = new AbortController();
  const availability = createAvailability({
    name: 'database',
    probe: () => inbox.ping(),
    clock,
    log,
    signal: stopping.signal,
  });
  const deadLetters = tellingLetters(createPgDeadLetters(database), changes.tell);
  const handle = createEntryHandler({
    source,
    inbox,
    deadLetters,
    database: availability,
    metrics,
    clock,
    log,
    maxAttempts: config.maxAttempts,
    retryBaseMs: config.retryBaseMs,
    signal: stopping.signal,
  });
  const consumerService = createStreamConsumer({
    source,
    directory: createPgStreamDirectory(database, config.channelByTenant),
    handle: tracing.wrap(handle, tracedHandler),
    database: availability,
    metrics,
    clock,
    log,
    concurrency: config.concurrency,
    tenantConcurrency: config.tenantConcurrency,
    batch: config.batch,
    readAhead: config.readAhead,
    visibilityMs: config.visibilityMs,
    streamRefreshMs: config.streamRefreshMs,
    drainMs: DRAIN_MS,
    stopping,
  });
  const replays = createLetterReplays({
    deadLetters,
    source,
    database: availability,
    metrics,
    clock,
    log,
  });
  const guard = createEgressGuard({
    allowCidrs: config.egressAllowCidrs,
    allowPorts: config.egressAllowPorts,
  });
  const parts = { database: background, storage, guard, metrics, clock, log };
  const sending = config.mail === null ? null : composeSending(config, config.mail, parts);
  const jobs = composeJobs(config, sending?.tokens ?? null, parts);
  const { alert } = config;
  const alerts =
    alert === null
      ? []
      : [
          createLetterAlerts({
            alerts: createPgLetterAlerts(database),
            send: createAlertWebhook({
              ...alert,
              guard,
              now: () => clock.now(),
            }),
            everyMs: alert.everyMs,
            metrics,
            clock,
            log,
          }),
        ];
  metrics.onScrape(async () => metrics.deadLettersOpen.set(await deadLetters.countOpen()));
  const ops = createOpsServer({
    port: config.port,
    readiness: () =>
      Promise.all([
        checkDependency('database', () => database.ping()),
        checkDependency('redis', () => source.ping()),
        checkDependency('stream', () =>
          consumerService.isReading() ? Promise.resolve() : Promise.reject(new Error('not reading')),
        ),
      ]),
    metrics,
    log,
  });
  const connections = createService('connections', {
    start: () => Promise.resolve(),
    stop: async () => {
      await Promise.all([
        closeRedis(blocking),
        closeRedis(commands),
        database.close(),
        background.close(),
        storage.close(),
      ]);
    },
  });
  log.info('worker composed', { version: VERSION, instanceId: consumer });
  return {
    services: [
      connections,
      tracing.service,
      changes,
      ops,
      ruleThreads,
      replays,
      ...alerts,
      ...(sending?.services ?? []),
      ...jobs,
      consumerService,
    ],
    log,
  };
}

/** For what is under way when the process stops; what remains has its lease, and is sent again. */
const MAIL_DRAIN_MS = 4_000;
/** BullMQ's longest wait for a job, seconds 10; the connection must not call it dead before. */
const QUEUE_BLOCK_MS = 15_000;

interface Parts {
  readonly database: Database;
  readonly storage: RemovableStorage;
  readonly guard: ReturnType<typeof createEgressGuard>;
  readonly metrics: Metrics;
  readonly clock: Clock;
  readonly log: Logger;
}

function composeSending(
  config: Config,
  mail: MailConfig,
  parts: Parts,
): { readonly services: readonly Service[]; readonly tokens: TokenService } {
  const { database, storage, guard, metrics, clock, log } = parts;
  const stopping = new AbortController();
  const secrets = createSecretStore({
    database,
    box: createSecretBox(mail.keyRing),
    ...mail.secretPlaces,
  });
  const tokens = createTokenService({
    database,
    secrets,
    guard,
    clock,
    log,
    onRefresh: (result) => metrics.tokenRefreshes.inc({ result }),
  });
  const producing = createRedis({ url: config.redisUrl, name: `${SERVICE}-mail-add`, log });
  const working = createRedis({
    url: config.redisUrl,
    name: `${SERVICE}-mail-work`,
    log,
    blockMs: QUEUE_BLOCK_MS,
  });
  const outbox = createPgOutbox(database);
  const queue = createRedisMailQueue(producing, log);
  const turn = createMailTurn({
    outbox,
    carrier: createMailCarrier({
      secrets,
      tokens,
      storage,
      smtp: {
        guard,
        plaintext: plaintextPolicy(mail.plaintextAllowCidrs),
        tls: imapTlsContext(),
        timeouts: { connectMs: mail.connectionTimeoutMs, silenceMs: 3 * mail.connectionTimeoutMs },
      },
    }),
    clock,
    log,
    metrics,
    maxAttempts: mail.maxAttempts,
    retryBaseMs: mail.retryBaseMs,
    leaseMs: mail.leaseMs,
    stopping: stopping.signal,
  });
  metrics.onScrape(async () => metrics.outboundWaiting.set(await outbox.countWaiting()));
  const connections = createService('mail connections', {
    start: () => Promise.resolve(),
    stop: async () => {
      await queue.close();
      await Promise.all([
        closeRedis(producing),
        closeRedis(working),
        tokens.idle().then(() => secrets.idle()),
      ]);
    },
  });
  const worker = createRedisMailWorker({
    redis: working,
    turn,
    concurrency: mail.concurrency,
    lockMs: Math.min(30_000, mail.leaseMs / 2),
    drainMs: MAIL_DRAIN_MS,
    onStopping: () => stopping.abort(),
    log,
  });
  const relay = createMailRelay({
    outbox,
    queue,
    everyMs: mail.relayMs,
    relayAgainMs: mail.relayAgainMs,
    clock,
    log,
  });
  return { services: [mail.secretPlaces.service, connections, worker, relay], tokens };
}

/** @param tokens null where this worker cannot open secrets: another one has to check them */
function composeJobs(config: Config, tokens: TokenService | null, parts: Parts): readonly Service[] {
  const { database, storage, metrics, clock, log } = parts;
  const stopping = new AbortController();
  const producing = createRedis({ url: config.redisUrl, name: `${SERVICE}-job-add`, log });
  const working = createRedis({
    url: config.redisUrl,
    name: `${SERVICE}-job-work`,
    log,
    blockMs: QUEUE_BLOCK_MS,
  });
  const store = createPgJobs(database);
  const queue = createRedisJobQueue(producing, log);
  const turn = createJobTurn({
    jobs: {
      ...createMaintenance({ database, retentionDays: config.retentionDays }),
      'storage-cleanup': createStorageCleanup({
        storage,
        references: createPgStorageReferences(database),
        positions: createPgJobPositions(database),
        metrics,
        clock,
        isDryRun: config.storageCleanupDryRun,
      }),
      ...(tokens === null ? {} : { 'token-check': createTokenCheck(database, tokens) }),
    },
    store,
    leaseMs: config.jobLeaseMs,
    clock,
    log,
    metrics,
    stopping: stopping.signal,
  });
  const connections = createService('job connections', {
    start: () => Promise.resolve(),
    stop: async () => {
      await queue.close();
      await Promise.all([closeRedis(producing), closeRedis(working)]);
    },
  });
  const worker = createRedisJobWorker({ redis: working, turn, onStopping: () => stopping.abort(), log });
  const jobClock = createJobClock({
    jobs: JOBS,
    store,
    queue,
    everyMs: config.jobTickMs,
    relayAgainMs: config.jobLeaseMs,
    clock,
    log,
  });
  return [connections, worker, jobClock];
}
