import { describe, expect, it } from 'vitest';
import { instanceId, providerId, tenantId } from '@mailstream/shared/domain/ids';
import { FakeClock } from '@mailstream/shared/testing/fake-clock';
import { leaseTimes } from './lease-runner.ts';
import type { DiscoveredProvider, FleetView, LeaseStore } from './ports/leases.ts';
import type { RuntimeHooks } from './provider-runtime.ts';
import { createSupervisor, type Supervisor, type SupervisorDeps } from './provider-supervisor.ts';

const log = {
  child: () => log,
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
};

/** An instance that holds `count` mailboxes of `weight` folders each; listeners are quiet as soon as they are asked to end. */
async function holding(
  count: number,
  weight = 1,
): Promise<{
  supervisor: Supervisor;
  clock: FakeClock;
  view: { instances: number; looks: number; isAway: boolean };
  held(): number;
  passes(ms: number): Promise<void>;
}> {
  const clock = new FakeClock();
  const view = { instances: 1, looks: 0, isAway: false };
  const found = Array.from({ length: count }, (_, n): DiscoveredProvider => ({
    tenant: tenantId('00000000-0000-4000-8000-000000000001'),
    id: providerId(`00000000-0000-4000-9000-${String(n).padStart(12, '0')}`),
    configVersion: 1,
    pokeVersion: 0,
    auditVersion: 0,
    weight,
    leaseOwner: null,
    leaseExpired: true,
  }));
  const store: LeaseStore = {
    discover: () => Promise.resolve(found),
    look: (): Promise<FleetView> => {
      view.looks += 1;
      return Promise.resolve({ free: [], instances: view.instances, fingerprint: 'all' });
    },
    acquire: (_ref, owner) => Promise.resolve({ owner, epoch: 1 }),
    renew: (leases) =>
      view.isAway
        ? Promise.reject(new Error('PostgreSQL is away'))
        : Promise.resolve({ renewed: leases, busy: [] }),
    release: () => Promise.resolve(),
  };
  const supervisor = createSupervisor({
    ...{ store, clock, log, refreshMs: 60_000, random: () => 0, areNoticesHeard: () => true },
    owner: instanceId('00000000-0000-4000-a000-000000000001'),
    times: leaseTimes(30_000, 0),
    pause: (ms: number) => new Promise<void>((resolve) => void clock.schedule(ms, () => resolve())),
    runtime: (_ref: unknown, _term: unknown, hooks: RuntimeHooks) => ({
      start: () => undefined,
      drain: () => hooks.quiet(),
      abort: () => hooks.quiet(),
    }),
    metrics: { transition: () => undefined, unexpected: () => undefined },
  } as unknown as SupervisorDeps);
  const held = (): number => supervisor.runners().filter(({ state }) => state.kind === 'held').length;
  const passes = async (ms: number): Promise<void> => {
    for (let left = ms; left > 0; left -= 50) {
      clock.advance(Math.min(50, left));
      await new Promise((resolve) => void setImmediate(resolve));
    }
  };
  await supervisor.start();
  await passes(100);
  expect(held()).toBe(count);
  return { supervisor, clock, view, held, passes };
}

describe('an instance that stops', () => {
  it('leaves its first thirty mailboxes at once, and listens to the others until it is their turn', async () => {
    const { supervisor, clock, view, held, passes } = await holding(100);
    view.instances = 2;
    await passes(1_050);
    const before = held();
    const stopped = supervisor.stop();
    await passes(50);
    expect(held()).toBe(before - 30);
    await passes(300);
    expect(held()).toBe(before - 40);
    await passes(6 * 300);
    expect(held()).toBe(0);
    await stopped;
    expect(clock.pending).toBe(0);
  });

  it('has left thousands within seconds', async () => {
    const { supervisor, view, held, passes } = await holding(3_000);
    view.instances = 2;
    await passes(1_050);
    const stopped = supervisor.stop();
    await passes(5_000);
    expect(held()).toBeGreaterThan(0);
    await passes(1_050);
    expect(held()).toBe(0);
    await stopped;
  });

  it('leaves all at once where no other is there to take them', async () => {
    const { supervisor, clock, held, passes } = await holding(3_000);
    const stopped = supervisor.stop();
    await passes(30 * 50);
    expect(held()).toBe(0);
    await stopped;
    expect(clock.pending).toBe(0);
  });
});

describe('an instance that cannot renew its leases', () => {
  it('trusts them for as long as the last renewal said, not the first, and no longer', async () => {
    const { supervisor, view, held, passes } = await holding(3);
    await passes(61_000);
    view.isAway = true;
    // The last renewal began ten seconds ago at most; a term is trusted for 28.
    await passes(17_000);
    expect(held()).toBe(3);
    await passes(11_500);
    expect(held()).toBe(0);
    view.isAway = false;
    const stopped = supervisor.stop();
    await passes(6_100);
    await stopped;
  });
});

describe('an instance that has more than its share', () => {
  it('gives away a few at a time, fewer the more others do the same', async () => {
    for (const [instances, atOnce] of [
      [2, 6],
      [4, 2],
      [40, 1],
    ] as const) {
      const { supervisor, view, held, passes } = await holding(200);
      view.instances = instances;
      await passes(1_050);
      const first = 200 - held();
      expect(first).toBe(atOnce);
      await passes(400);
      expect(200 - held()).toBe(2 * atOnce);
      const stopped = supervisor.stop();
      await passes(6_100);
      await stopped;
    }
  });

  it('ends at its share', async () => {
    const { supervisor, view, held, passes } = await holding(100);
    view.instances = 2;
    await passes(10_000);
    expect(held()).toBe(50);
    const stopped = supervisor.stop();
    await passes(6_100);
    await stopped;
  });

  it('asks PostgreSQL no more often than others when no mailbox is small enough to be given away', async () => {
    // Of nine folders five are the share: of three mailboxes one goes, and two are still a folder too many.
    const { supervisor, view, held, passes } = await holding(3, 3);
    view.instances = 2;
    await passes(5_000);
    expect(held()).toBe(2);
    view.looks = 0;
    await passes(10_000);
    expect(view.looks).toBeLessThanOrEqual(10);
    const stopped = supervisor.stop();
    await passes(100);
    await stopped;
  });
});
