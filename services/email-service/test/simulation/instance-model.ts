/** One daemon of the simulation: the real supervisor, runners, machines and ingest on modelled ports. */
import type { Fault } from '@mailstream/shared/domain/fault';
import { instanceId, type InstanceId } from '@mailstream/shared/domain/ids';
import type { Logger } from '@mailstream/shared/runtime/logger';
import { pause } from '@mailstream/shared/runtime/system-clock';
import { AuditTurns } from '../../src/audit-turns.ts';
import { ConnectionTurns } from '../../src/connection-turns.ts';
import { FetchBudget } from '../../src/fetch-budget.ts';
import { FetchPlaces } from '../../src/fetch-places.ts';
import { TenantTraffic } from '../../src/tenant-traffic.ts';
import { createHeartbeat } from '../../src/heartbeat.ts';
import { inertSteps } from '../../src/ingest-steps.ts';
import { leaseTimes } from '../../src/lease-runner.ts';
import type { HealthStore } from '../../src/ports/folder-status.ts';
import type { LeaseStore, ProviderRef } from '../../src/ports/leases.ts';
import type { Ledger } from '../../src/ports/ledger.ts';
import { ProviderRuntime, type RuntimeDeps } from '../../src/provider-runtime.ts';
import { createSupervisor, type Supervisor } from '../../src/provider-supervisor.ts';
import { createStoreWatch } from '../../src/store-watch.ts';
import { createImapPort } from './imap-port.ts';
import { createHealthPort, createInstancesPort, createLeasePort, createSourcePort } from './lease-port.ts';
import { createLedgerPort } from './ledger-port.ts';
import type { MailboxModel } from './mailbox-model.ts';
import type { SimulationOptions } from './options.ts';
import type { ProcessModel } from './process-model.ts';
import { createProcessorPort } from './processor-port.ts';
import { createPublisherPort, type PublisherContext } from './publisher-port.ts';
import { createPostgresIdentity, createRedisIdentityPort } from './identity-port.ts';

export interface InstanceContext extends Omit<PublisherContext, 'onAppended'> {
  readonly options: SimulationOptions;
  readonly storage: Set<string>;
  mailbox(providerId: string, folder: string): MailboxModel;
  notify(ref: ProviderRef): void;
}

/** A place for one process: when it dies another takes it. */
export interface Slot {
  readonly number: number;
  starts: number;
  process: ProcessModel;
  instance: Instance;
}

/** Virtual milliseconds, shorter than in production so that a short schedule has many of each. */
const SETTINGS = {
  pollIntervalMs: 2_000,
  idleRenewMs: 3_000,
  watchIntervalMs: 10_000,
  timerJitter: 0.1,
  reconnectJitter: 0.5,
  startupStaggerMs: 500,
  connectDeadlineMs: 15_000,
};
const AUDIT_INTERVAL_MS = 60_000;
const REFRESH_MS = 8_000;
const TURN_QUANTUM_MS = 1_000;
const HEALTH_DELAY_MS = 200;
const WIDE_OVERLAP = 1_000;
const STORE_WATCH_MS = 5_000;
const DISTRUST_SPREAD_MS = 1_000;
const PRESSURE_SPREAD_MS = 500;

export interface Instance {
  readonly supervisor: Supervisor;
  /** Back-pressure came or went. */
  pressureChanged(): void;
  /** Started and not asked to stop: it hears notices. */
  isListening(): boolean;
  start(): Promise<void>;
  stop(): Promise<void>;
}

export function createInstance(context: InstanceContext, owner: InstanceId): Instance {
  const { process, scheduler, random, options, mutations, redis } = context;
  const { clock } = process;
  const times = leaseTimes(options.ttlMs, SETTINGS.timerJitter);
  const log = createTraceLog(context);
  const waits = (ms: number, signal: AbortSignal): Promise<void> => pause(clock, ms, signal);
  const health: HealthStore = createHealthPort(context);
  const draw = random.fork();
  let lastAppended = '0-0';
  const metrics = {
    transition: () => undefined,
    unexpected: () => undefined,
    audited: () => undefined,
    fault: (fault: Fault) => {
      if (fault.kind === 'bug') context.checks.fail(`bug: ${process.name} ${fault.code} ${fault.detail}`);
    },
  };
  const deps: RuntimeDeps = {
    source: createSourcePort(context, options.startFrom),
    health,
    status: {
      requests: () => Promise.resolve({ audit: 0, answeredAudits: new Map(), resyncs: new Map() }),
      recordAudit: () => Promise.resolve(),
      recordResync: () => Promise.resolve(),
    },
    log,
    healthDelayMs: HEALTH_DELAY_MS,
    folderAdded: () => undefined,
    ingest: {
      ledger: wrapLedger(createLedgerPort(context), context),
      publisher: createPublisherPort({
        ...context,
        onAppended: (entryId) => {
          lastAppended = entryId;
        },
      }),
      processor: createProcessorPort(context),
      places: new FetchPlaces(clock),
      traffic: new TenantTraffic(clock),
      budget: new FetchBudget({ totalBytes: 1_000_000, maxPieceBytes: 100_000, heldBytes: () => 0 }),
      clock,
      log,
      steps: inertSteps,
      metrics: { messages: () => undefined },
      limits: {
        maxMessages: options.maxMessages,
        room: () => Infinity,
        maxRunBytes: 1_000_000,
        parallelParses: 2,
        fetchDelayMs: 0,
      },
      wideOverlap: WIDE_OVERLAP,
      spoolDir: '/nowhere',
      pause: waits,
    },
    listener: {
      turns: new ConnectionTurns(clock, {
        perTenant: options.connectionCap,
        perHost: 0,
        quantumMs: TURN_QUANTUM_MS,
      }),
      connector: createImapPort({ ...context, hasIdle: options.hasIdle }),
      auditTurns: new AuditTurns(),
      clock,
      random: draw.next,
      log,
      metrics,
      pause: waits,
      pressure: { heldBy: () => (redis.isHeld ? 'STREAM_FULL' : null), noted: () => undefined },
      settings: { ...SETTINGS, auditIntervalMs: options.hasAudits ? AUDIT_INTERVAL_MS : 0 },
    },
  };
  scheduler.note(`${process.name} starts as ${owner}`);
  const heartbeat = createHeartbeat({
    registry: createInstancesPort(context, owner),
    everyMs: times.renewEveryMs,
    deadAfterMs: times.ttlMs,
    jitter: SETTINGS.timerJitter,
    clock,
    random: draw.next,
    log,
    report: () => ({
      leases: 0,
      listeners: 0,
      data: { folders: 0, stale: 0, unseen: 0, oldestMs: 0 },
      heldBy: null,
    }),
  });
  const supervisor = createSupervisor({
    store: wrapLeases(createLeasePort(context, times.callTimeoutMs, context), context),
    owner,
    times: mutations.endlessTrust ? { ...times, marginMs: -1e9 } : times,
    clock,
    random: draw.next,
    log,
    metrics,
    refreshMs: REFRESH_MS,
    areNoticesHeard: () => true,
    pause: (ms) => pause(clock, ms),
    runtime: (ref, term, hooks) => {
      const runtime = new ProviderRuntime(deps, ref, term, hooks);
      if (!mutations.earlyRelease) return runtime;
      const drain = runtime.drain.bind(runtime);
      runtime.drain = () => {
        drain();
        hooks.quiet();
      };
      return runtime;
    },
  });
  const storeWatch = createStoreWatch({
    stores: {
      postgresql: createPostgresIdentity(context),
      redis: createRedisIdentityPort(
        context,
        () => lastAppended,
        () => String(draw.next()),
      ),
    },
    everyMs: STORE_WATCH_MS,
    jitter: SETTINGS.timerJitter,
    clock,
    random: draw.next,
    log,
    onDoubt: () => {
      if (mutations.noStoreWatch) return;
      for (const runner of supervisor.runners()) runner.runtime?.distrustStores(DISTRUST_SPREAD_MS);
    },
  });
  let isStopRequested = false;
  let isStarted = false;
  return {
    supervisor,
    pressureChanged: () => {
      for (const runner of supervisor.runners()) runner.runtime?.pressureChanged(PRESSURE_SPREAD_MS);
    },
    isListening: () => isStarted && !isStopRequested,
    start: async () => {
      if (isStopRequested) return;
      // In the order of compose.ts.
      await heartbeat.start();
      await storeWatch.start();
      if (isStopRequested) return;
      await supervisor.start();
      isStarted = true;
    },
    stop: async () => {
      isStopRequested = true;
      if (isStarted) heartbeat.drain();
      await supervisor.stop();
      await storeWatch.stop();
      await heartbeat.stop();
    },
  };
}

export function ownerOf(slot: number, start: number, isSame: boolean): InstanceId {
  const tail = String(isSame ? slot : slot + 10 * start).padStart(12, '0');
  return instanceId(`00000000-0000-4000-a000-${tail}`);
}

function wrapLeases(store: LeaseStore, { mutations }: InstanceContext): LeaseStore {
  if (!mutations.blindRenewal) return store;
  return {
    ...store,
    renew: (leases, owner, ttlMs) =>
      store.renew(leases, owner, ttlMs).catch(() => ({ renewed: leases, busy: [] })),
  };
}

function wrapLedger(ledger: Ledger, { mutations }: InstanceContext): Ledger {
  if (!mutations.settledWithoutCommit) return ledger;
  return {
    ...ledger,
    recordBatch: (folder, term, batch) =>
      ledger
        .recordBatch(folder, term, batch)
        .catch(() => ({ kind: 'stored' as const, previousSeq: batch.state.publishSeq, rows: [] })),
  };
}

function createTraceLog({ process, scheduler }: InstanceContext): Logger {
  const write = (level: string) => (message: string, fields?: object) => {
    if (scheduler.isTracing)
      scheduler.note(`  ${process.name} ${level} ${message} ${JSON.stringify(fields ?? {})}`);
  };
  const log: Logger = {
    debug: write('debug'),
    info: write('info'),
    warn: write('warn'),
    error: write('error'),
    child: () => log,
  };
  return log;
}
