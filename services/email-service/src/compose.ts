/** Composition root of the daemon: the only file that constructs adapters. */
import { randomUUID } from 'node:crypto';
import { rm } from 'node:fs/promises';
import { hostname } from 'node:os';
import { instanceId } from '@mailstream/shared/domain/ids';
import { createDatabase, type Database } from '@mailstream/shared/db/database';
import { createChangeTeller } from '@mailstream/shared/db/change-teller';
import { createNoticeListener, notifyProbe } from '@mailstream/shared/db/notices';
import { createImapConnector } from '@mailstream/shared/imap/connector';
import { imapTlsContext } from '@mailstream/shared/imap/imap-client';
import { plaintextPolicy } from '@mailstream/shared/imap/plaintext-policy';
import { toFault } from '@mailstream/shared/errors/fault-error';
import { createEgressGuard } from '@mailstream/shared/net/egress-guard';
import { createTokenService } from '@mailstream/shared/oauth/token-service';
import { createService, type Composition, type Service } from '@mailstream/shared/runtime/lifecycle';
import { streamName } from '@mailstream/shared/events/email-received';
import { createLogger } from '@mailstream/shared/runtime/logger';
import { createMetrics } from '@mailstream/shared/runtime/metrics';
import { checkDependency, createOpsServer } from '@mailstream/shared/runtime/ops-server';
import { closeRedis, createRedis } from '@mailstream/shared/runtime/redis';
import { pause, systemClock } from '@mailstream/shared/runtime/system-clock';
import { parseKeyRing } from '@mailstream/shared/secrets/key-ring';
import { createSecretBox } from '@mailstream/shared/secrets/secret-box';
import { createSecretStore } from '@mailstream/shared/secrets/secret-store';
import { createTracing } from '@mailstream/shared/tracing/create-tracer';
import { createStorage } from '@mailstream/shared/storage/create-storage';
import { spaceAt } from '@mailstream/shared/storage/disk-space';
import { createImapSessionConnector } from './adapters/imap-session.ts';
import { createMailProcessor } from './adapters/mail-processor.ts';
import { createPgLeaseStore } from './adapters/pg-lease-store.ts';
import { createPgLedger } from './adapters/pg-ledger.ts';
import { createPgHealthStore, createPgProviderSource } from './adapters/pg-provider-source.ts';
import { createRedisPublisher } from './adapters/redis-publisher.ts';
import { createPgIdentity } from './adapters/pg-identity.ts';
import { createPgInstances } from './adapters/pg-instances.ts';
import { createPgQuotas } from './adapters/pg-quotas.ts';
import { createPgFolderStatus } from './adapters/pg-folder-status.ts';
import { createRedisIdentity } from './adapters/redis-identity.ts';
import { createRedisStreamGauge } from './adapters/redis-stream-gauge.ts';
import { createBackPressure } from './back-pressure.ts';
import { tellingHealth, tellingLedger, tellingStatus } from './change-telling.ts';
import type { Config } from './config.ts';
import { AuditTurns } from './audit-turns.ts';
import { ConnectionTurns } from './connection-turns.ts';
import { WIDE_OVERLAP } from './core/sync-plan.ts';
import { ingestMetrics, leaseMetrics, listenerMetrics } from './daemon-metrics.ts';
import { createDataAgeWatch } from './data-age-watch.ts';
import { FetchBudget } from './fetch-budget.ts';
import { FetchPlaces } from './fetch-places.ts';
import { inertSteps, type Steps } from './ingest-steps.ts';
import { tracedConnector, tracedLedger, tracedProcessor, tracedPublisher } from './message-tracing.ts';
import type { MailProcessor } from './ports/mail.ts';
import { leaseTimes } from './lease-runner.ts';
import { measuring } from './measured-ports.ts';
import { ProviderRuntime, type RuntimeDeps } from './provider-runtime.ts';
import { createSupervisor } from './provider-supervisor.ts';
import { createHeartbeat } from './heartbeat.ts';
import { freshSpool } from './spool-dir.ts';
import { createStoreWatch } from './store-watch.ts';
import { countedLedger, createTenantQuotas } from './tenant-quotas.ts';
import { TenantTraffic } from './tenant-traffic.ts';
import { underPressure } from './under-pressure.ts';

const SERVICE = 'email-service';
const VERSION = '0.1.0';
const MIB = 1024 * 1024;
const MAX_RUN_BYTES = 8 * MIB;
/** A push can be lost: every folder is looked at this often. */
const WATCH_INTERVAL_MS = 300_000;
/** A folder that merely watches keeps its connection at least this long while others wait for one. */
const TURN_QUANTUM_MS = 5_000;
const HEALTH_DELAY_MS = 200;
const STORE_WATCH_MS = 5_000;
/** A beat comes every third of a ttl and ends by itself; without one for this many ttls only a restart helps. */
const STUCK_AFTER_TTLS = 4;
/** When fetching pauses or goes on, so many listeners hear of it one after the other: milliseconds for each. */
const PRESSURE_SPREAD_MS = 0.5;
/** After a store may have lost data, folders look one after the other within this time. */
const DISTRUST_SPREAD_MS = 2_000;
/** Bids, releases and looks never wait behind ingest, and renewals wait behind nothing. */
const LEASE_POOL = 3;
const RENEWAL_POOL = 1;
const WORK_POOL = 10;

/** @param steps marks on the way of a batch, for tests that end the process at one of them. */
export async function compose(config: Config, steps: Steps = inertSteps): Promise<Composition> {
  const clock = systemClock;
  const owner = instanceId(randomUUID());
  const log = createLogger({ service: SERVICE, level: config.logLevel }).child({ instanceId: owner });
  const metrics = createMetrics({ service: SERVICE, version: VERSION, processMetrics: true });
  const tracing = createTracing(config.traces, { version: VERSION, instanceId: owner, log, metrics });
  const measure = measuring(metrics, clock);
  const times = leaseTimes(config.leaseTtlMs, config.timerJitter);

  const database = createDatabase({
    ...config.database,
    applicationName: 'mailstream-email',
    poolMax: WORK_POOL,
  });
  const quickDatabase = (applicationName: string, poolMax: number): Database =>
    createDatabase({
      ...config.database,
      applicationName,
      poolMax,
      statementTimeoutMs: Math.floor(times.callTimeoutMs),
      checkoutTimeoutMs: Math.floor(times.callTimeoutMs),
    });
  const leaseDatabase = quickDatabase('mailstream-leases', LEASE_POOL);
  const renewalDatabase = quickDatabase('mailstream-renewals', RENEWAL_POOL);
  const redis = createRedis({ url: config.redisUrl, name: SERVICE, log });
  const storage = createStorage(config.storageUrl);

  const keyRing = parseKeyRing(config.secretsMasterKey);
  if (keyRing.kind === 'problem') throw new Error(keyRing.text);
  const secrets = createSecretStore({
    database,
    box: createSecretBox(keyRing.ring),
    ...config.secretPlaces,
  });
  const guard = createEgressGuard({
    allowCidrs: config.egressAllowCidrs,
    allowPorts: config.egressAllowPorts,
  });
  const onRefresh = (result: string): void => metrics.tokenRefreshes.inc({ result });
  const tokens = createTokenService({ database, secrets, guard, clock, log, onRefresh });
  const connector = createImapSessionConnector(
    createImapConnector({
      guard,
      secrets,
      tokens,
      clock,
      plaintext: plaintextPolicy(config.plaintextAllowCidrs),
      tls: imapTlsContext(),
      settings: {
        connectTimeoutMs: config.connectionTimeoutMs,
        deadlineMs: 3 * config.connectionTimeoutMs,
        oauthMechanism: config.oauthMechanism,
        keepAlive: config.socketKeepalive,
      },
    }),
    clock,
  );
  const spoolDir = await freshSpool(config.spoolDir, owner, clock.now());
  const processor = createMailProcessor({
    storageUrl: config.storageUrl,
    barrier: () => storage.barrier(),
    limits: config.limits,
    threads: config.parserThreads,
    parser: { wallMs: config.parseTimeoutMs },
    spoolDir,
    isTimed: tracing.isOn,
  });

  const streamOf = (tenant: string): string => streamName(tenant, config.channelByTenant);
  const pressure = createBackPressure({
    gauge: createRedisStreamGauge(redis),
    streams: () =>
      config.channelByTenant
        ? [...new Set([...supervisor.tenants()].map(streamOf)).add(streamOf(''))]
        : [streamOf('')],
    probeStorage: () => storage.check(),
    spaces: [() => storage.space(), () => spaceAt(spoolDir)],
    limits: { maxBacklog: config.streamMaxBacklog, maxMemoryRatio: config.redisMaxMemoryRatio },
    trimEveryMs: config.streamTrimIntervalMs,
    clock,
    random: Math.random,
    log,
    metrics,
    onChange: () => {
      const runtimes = supervisor.runners().flatMap((runner) => runner.runtime ?? []);
      const listeners = runtimes.reduce((sum, runtime) => sum + runtime.listenerCount, 0);
      for (const runtime of runtimes) runtime.pressureChanged(listeners * PRESSURE_SPREAD_MS);
    },
  });
  let lastAppended = '0-0';
  const changes = createChangeTeller({ database: leaseDatabase, clock, log });
  const folderStatus = tellingStatus(createPgFolderStatus(database, leaseDatabase), changes.tell);
  const quotas = createTenantQuotas({
    store: createPgQuotas(database),
    tenants: () => supervisor.tenants(),
    clock,
    random: Math.random,
    log,
    metrics,
    onChange: (tenant) => {
      for (const { ref, runtime } of supervisor.runners())
        if (ref.tenant === tenant) runtime?.pressureChanged(0);
    },
  });
  const publisher = createRedisPublisher(redis, {
    channelByTenant: config.channelByTenant,
    onAppended: (entryId, stream) => {
      if (!config.channelByTenant) lastAppended = entryId;
      pressure.appended(stream);
    },
  });
  const runtimeDeps: RuntimeDeps = {
    source: createPgProviderSource(database),
    health: tellingHealth(createPgHealthStore(database), changes.tell),
    status: folderStatus,
    log,
    healthDelayMs: HEALTH_DELAY_MS,
    folderAdded: (runtime) => dataAge.folderAdded(runtime),
    ingest: {
      ledger: measure.ledger(
        tellingLedger(
          countedLedger(tracing.wrap(createPgLedger(database), tracedLedger), quotas),
          changes.tell,
        ),
      ),
      publisher: measure.publisher(tracing.wrap(publisher, tracedPublisher)),
      processor: measure.processor(tracing.wrap<MailProcessor>(processor, tracedProcessor)),
      places: new FetchPlaces(clock),
      traffic: new TenantTraffic(clock),
      budget: new FetchBudget({ heldBytes: () => process.memoryUsage().arrayBuffers }),
      clock,
      log,
      steps,
      metrics: ingestMetrics(metrics),
      limits: {
        maxMessages: config.maxEmailsPerSync,
        room: () => Infinity,
        maxRunBytes: MAX_RUN_BYTES,
        parallelParses: 2 * config.parserThreads,
        fetchDelayMs: config.fetchDelayMs,
      },
      wideOverlap: WIDE_OVERLAP,
      spoolDir,
      pause: (ms, signal) => pause(clock, ms, signal),
    },
    listener: {
      turns: new ConnectionTurns(clock, {
        perTenant: config.maxConnectionsPerTenant,
        perHost: config.maxConnectionsPerHost,
        quantumMs: Math.min(TURN_QUANTUM_MS, config.pollIntervalMs),
      }),
      connector: measure.connector(tracing.wrap(connector, tracedConnector)),
      auditTurns: new AuditTurns(),
      clock,
      random: Math.random,
      log,
      metrics: listenerMetrics(metrics),
      pause: (ms, signal) => pause(clock, ms, signal),
      pressure: { heldBy: () => null, noted: pressure.noted },
      settings: {
        pollIntervalMs: config.pollIntervalMs,
        idleRenewMs: config.idleRenewMs,
        // Three looks within the limit: one may come late.
        watchIntervalMs: Math.min(WATCH_INTERVAL_MS, config.dataAgeLimitMs / 3),
        timerJitter: config.timerJitter,
        reconnectJitter: config.reconnectJitter,
        startupStaggerMs: config.startupStaggerMs,
        connectDeadlineMs: 12 * config.connectionTimeoutMs,
        auditIntervalMs: config.auditIntervalMs,
      },
    },
  };
  const supervisor = createSupervisor({
    store: measure.leases(
      createPgLeaseStore({ database: leaseDatabase, renewals: renewalDatabase, service: SERVICE }),
    ),
    owner,
    times,
    clock,
    random: Math.random,
    log,
    metrics: leaseMetrics(metrics),
    refreshMs: config.refreshMs,
    areNoticesHeard: () => notices.isHearing(),
    pause: (ms) => pause(clock, ms),
    runtime: (ref, term, hooks) => {
      quotas.expect(ref.tenant);
      const held = { pressure, quotas, stream: streamOf(ref.tenant), tenant: ref.tenant };
      return new ProviderRuntime(underPressure(runtimeDeps, held), ref, term, hooks);
    },
  });
  const dataAge = createDataAgeWatch({
    runtimes: () => supervisor.runtimes(),
    status: folderStatus,
    owner,
    limitMs: config.dataAgeLimitMs,
    jitter: config.timerJitter,
    clock,
    random: Math.random,
    log,
    metrics,
  });
  const heartbeat = createHeartbeat({
    registry: createPgInstances(renewalDatabase, {
      owner,
      service: SERVICE,
      host: hostname(),
      version: VERSION,
    }),
    everyMs: times.renewEveryMs,
    // Not longer than its leases live: what it held is shared out as soon as it can be taken over.
    deadAfterMs: times.ttlMs,
    jitter: config.timerJitter,
    clock,
    random: Math.random,
    log,
    report: () => {
      const held = supervisor.runners().filter(({ runtime }) => runtime !== null);
      const listeners = held.reduce((sum, { runtime }) => sum + (runtime?.listenerCount ?? 0), 0);
      const heldBy = pressure.heldBy(streamOf(''));
      return { leases: held.length, listeners, data: dataAge.summary(), heldBy };
    },
  });
  const storeWatch = createStoreWatch({
    stores: {
      postgresql: createPgIdentity(leaseDatabase),
      redis: createRedisIdentity(redis, () => lastAppended),
    },
    everyMs: STORE_WATCH_MS,
    jitter: config.timerJitter,
    clock,
    random: Math.random,
    log,
    onDoubt: () => {
      for (const runner of supervisor.runners()) runner.runtime?.distrustStores(DISTRUST_SPREAD_MS);
    },
  });
  const notices = createNoticeListener({
    url: config.directDatabaseUrl,
    log,
    onNotice: (notice) => supervisor.noticed(notice),
    onReconnected: () => void supervisor.refresh(),
    sendProbe: (channel) => leaseDatabase.asDaemon((trx) => notifyProbe(trx, channel)),
    onHearing: (isHearing) => metrics.noticesHeard.set(isHearing ? 1 : 0),
  });
  const ops = createOpsServer({
    port: config.port,
    metrics,
    log,
    stuck: () => {
      const beatMs = supervisor.lastBeatMs();
      const isStuck = beatMs !== null && clock.monotonicMs() - beatMs > STUCK_AFTER_TTLS * times.ttlMs;
      return isStuck ? 'no lease was renewed, nor was it tried' : null;
    },
    readiness: () =>
      Promise.all([
        checkDependency('postgresql', () => database.ping()),
        checkDependency('redis', () => redis.exists(streamName('', false))),
        // Full is not down: replicas that are taken out of service free no disk.
        checkDependency('storage', () => storage.check().catch(unlessFull)),
        Promise.resolve({ name: 'providers', ok: supervisor.isReady() }),
        Promise.resolve({ name: 'fetching', ok: true, detail: pressure.heldBy(streamOf('')) ?? 'goes on' }),
      ]),
  });
  const stores: Service = createService('stores', {
    start: () => Promise.resolve(),
    stop: async () => {
      await tokens.idle();
      await secrets.idle();
      await storage.close();
      await closeRedis(redis);
      await Promise.all([database.close(), leaseDatabase.close(), renewalDatabase.close()]);
      await rm(spoolDir, { recursive: true, force: true });
    },
  });

  /** Last of all starts: the process has begun when it can parse, too. First of all stops: nobody need count this instance any more. */
  const farewell = createService('farewell', {
    start: () => processor.loaded(),
    stop: () => {
      heartbeat.drain();
      return Promise.resolve();
    },
  });

  return {
    log,
    services: [
      ops,
      config.secretPlaces.service,
      tracing.service,
      stores,
      changes,
      processor,
      heartbeat,
      pressure,
      quotas,
      storeWatch,
      notices,
      dataAge,
      supervisor,
      farewell,
    ],
  };
}

function unlessFull(error: unknown): void {
  if (toFault(error).code !== 'STORAGE_FULL') throw error;
}
