/** The composition root: the only file that makes adapters. */
import { randomUUID } from 'node:crypto';
import { createDatabase } from '@mailstream/shared/db/database';
import { createService, type Composition } from '@mailstream/shared/runtime/lifecycle';
import { createLogger } from '@mailstream/shared/runtime/logger';
import { createMetrics } from '@mailstream/shared/runtime/metrics';
import { checkDependency, createOpsServer } from '@mailstream/shared/runtime/ops-server';
import { closeRedis, createRedis } from '@mailstream/shared/runtime/redis';
import { systemClock } from '@mailstream/shared/runtime/system-clock';
import { createEgressGuard } from '@mailstream/shared/net/egress-guard';
import { createAlertWebhook } from './adapters/alert-webhook.ts';
import { createPgDeadLetters } from './adapters/pg-dead-letters.ts';
import { createPgInbox } from './adapters/pg-inbox.ts';
import { createPgLetterAlerts } from './adapters/pg-letter-alerts.ts';
import { createPgStreamDirectory } from './adapters/pg-stream-directory.ts';
import { createRedisEntrySource } from './adapters/redis-entry-source.ts';
import { createAvailability } from './availability.ts';
import type { Config } from './config.ts';
import { createEntryHandler } from './entry-handler.ts';
import { createLetterAlerts } from './letter-alerts.ts';
import { createLetterReplays } from './letter-replays.ts';
import { createStreamConsumer } from './stream-consumer.ts';

const SERVICE = 'workflow-worker';
const VERSION = '0.1.0';
/** Of the ten seconds a service has to stop: the rest is for what has begun. */
const DRAIN_MS = 5_000;

export function compose(config: Config): Composition {
  const log = createLogger({ service: SERVICE, level: config.logLevel });
  const metrics = createMetrics({ service: SERVICE, version: VERSION, processMetrics: true });
  const clock = systemClock;
  const consumer = randomUUID();
  const database = createDatabase({
    url: config.databaseUrl,
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
  const inbox = createPgInbox(database);
  const stopping = new AbortController();
  const availability = createAvailability({
    name: 'database',
    probe: () => inbox.ping(),
    clock,
    log,
    signal: stopping.signal,
  });
  const deadLetters = createPgDeadLetters(database);
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
    handle,
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
  const { alert } = config;
  const alerts =
    alert === null
      ? []
      : [
          createLetterAlerts({
            alerts: createPgLetterAlerts(database),
            send: createAlertWebhook({
              ...alert,
              guard: createEgressGuard({
                allowCidrs: config.egressAllowCidrs,
                allowPorts: config.egressAllowPorts,
              }),
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
      await Promise.all([closeRedis(blocking), closeRedis(commands), database.close()]);
    },
  });
  log.info('worker composed', { version: VERSION, instanceId: consumer });
  return { services: [connections, ops, replays, ...alerts, consumerService], log };
}
