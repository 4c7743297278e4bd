/** LeaseStore, ProviderSource and HealthStore on the modelled PostgreSQL; each method is one statement of the real adapter. */
import type { InstanceId } from '@mailstream/shared/domain/ids';
import type { ImapProvider, StartFrom } from '@mailstream/shared/domain/provider';
import type { HealthStore } from '../../src/ports/folder-status.ts';
import type { InstanceRegistry, LeaseStore, ProviderRef, ProviderSource } from '../../src/ports/leases.ts';
import type { Checks } from './checks.ts';
import type { Mutations } from './mutations.ts';
import type { Link, Network } from './network.ts';
import type { PostgresModel, ProviderRow } from './postgres-model.ts';
import type { ProcessModel } from './process-model.ts';

export interface PortContext {
  readonly process: ProcessModel;
  readonly network: Network;
  readonly postgres: PostgresModel;
  readonly checks: Checks;
  readonly mutations: Mutations;
}

export interface LeasePortHooks {
  /** NOTIFY, at commit. */
  notify(ref: ProviderRef): void;
}

export function createLeasePort(
  context: PortContext,
  callTimeoutMs: number,
  hooks: LeasePortHooks,
): LeaseStore {
  const { process, network, postgres, checks } = context;
  // A link object of its own: the lease pool gives up sooner than the work pool.
  const link: Link = Object.create(postgres.link, { deadlineMs: { value: callTimeoutMs } }) as Link;
  const set = (row: ProviderRow): void => void postgres.state.providers.set(row.id, row);
  return {
    discover: (only) =>
      network.call(process, link, 'discover', () =>
        [...postgres.state.providers.values()]
          .filter((row) => !row.isPaused && (only === undefined || row.id === only.id))
          .map((row) => ({
            tenant: row.tenant,
            id: row.id,
            configVersion: row.configVersion,
            pokeVersion: row.pokeVersion,
            auditVersion: 0,
            weight: row.folders.length,
            leaseOwner: row.leaseOwner,
            leaseExpired: row.leaseOwner === null || row.leaseExpiresAtMs <= postgres.nowMs(),
          })),
      ),
    look: (owner, deadAfterMs) =>
      network.call(process, link, 'look', () => {
        const rows = [...postgres.state.providers.values()].filter((row) => !row.isPaused);
        const others = [...postgres.state.instances].filter(
          ([id, heardAtMs]) => id !== owner && heardAtMs >= postgres.nowMs() - deadAfterMs,
        );
        return {
          free: rows
            .filter((row) => row.leaseOwner === null || row.leaseExpiresAtMs <= postgres.nowMs())
            .map(({ tenant, id }) => ({ tenant, id })),
          instances: 1 + others.length,
          fingerprint: rows.map((row) => `${row.id} ${row.configVersion} ${row.pokeVersion}`).join(),
        };
      }),
    acquire: ({ id }, owner, ttlMs) =>
      network.call(process, link, 'acquire', () =>
        postgres.commit(() => {
          const row = postgres.provider(id);
          const isFree =
            row.leaseOwner === null || row.leaseOwner === owner || row.leaseExpiresAtMs <= postgres.nowMs();
          if (!isFree) return null;
          const epoch = row.leaseEpoch + 1;
          set({ ...row, leaseOwner: owner, leaseEpoch: epoch, leaseExpiresAtMs: postgres.nowMs() + ttlMs });
          checks.acquired(process, id);
          return { owner, epoch };
        }),
      ),
    renew: (leases, owner, ttlMs) =>
      network.call(process, link, 'renew', () =>
        postgres.commit(() => ({
          renewed: leases.flatMap(({ tenant, id, epoch }) => {
            const row = postgres.provider(id);
            if (row.leaseOwner !== owner || row.leaseEpoch !== epoch) return [];
            set({ ...row, leaseExpiresAtMs: postgres.nowMs() + ttlMs });
            return [{ tenant, id }];
          }),
          // Statements of the model take no time: nobody finds a row locked.
          busy: [],
        })),
      ),
    release: (ref, term) =>
      network.call(process, link, 'release', () =>
        postgres.commit(() => {
          const row = postgres.provider(ref.id);
          if (row.leaseOwner !== term.owner || row.leaseEpoch !== term.epoch) return;
          set({ ...row, leaseOwner: null, leaseExpiresAtMs: 0 });
          hooks.notify(ref);
        }),
      ),
  };
}

export function createSourcePort(
  { process, network, postgres }: PortContext,
  startFrom: StartFrom,
): ProviderSource {
  return {
    load: ({ id }) =>
      network.call(process, postgres.link, 'load', () => toProvider(postgres.provider(id), startFrom)),
  };
}

function toProvider(row: ProviderRow, startFrom: StartFrom): ImapProvider {
  return {
    tenant: row.tenant,
    id: row.id,
    name: 'simulated',
    mailbox: 'box@example.com',
    endpoint: { host: 'mail.example.com', port: 993, security: 'tls', verifyCertificate: true },
    auth: { kind: 'password', username: 'box' },
    folders: row.folders,
    startFrom,
    configVersion: row.configVersion,
  };
}

/** What it writes is for people only and not kept here; only its outcome matters to the caller. */
export function createHealthPort({ process, network, postgres }: PortContext): HealthStore {
  return { report: () => network.call(process, postgres.link, 'health', () => undefined) };
}

export function createInstancesPort(
  { process, network, postgres }: PortContext,
  owner: InstanceId,
): InstanceRegistry {
  return {
    beat: (_report, deadAfterMs) =>
      network.call(process, postgres.link, 'beat', () => {
        const { instances } = postgres.state;
        const nowMs = postgres.nowMs();
        for (const [other, heardAtMs] of instances)
          if (heardAtMs < nowMs - deadAfterMs) instances.delete(other);
        instances.set(owner, nowMs);
      }),
    leave: () =>
      network.call(process, postgres.link, 'leave', () => void postgres.state.instances.delete(owner)),
  };
}
