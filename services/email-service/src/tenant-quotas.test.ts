/** Limits of tenants, with a clock that is moved by hand. */
import { randomUUID } from 'node:crypto';
import { expect, it, onTestFinished } from 'vitest';
import { tenantId, type TenantId } from '@mailstream/shared/domain/ids';
import { createLogger } from '@mailstream/shared/runtime/logger';
import { createMetrics } from '@mailstream/shared/runtime/metrics';
import { FakeClock } from '@mailstream/shared/testing/fake-clock';
import type { IngestLimitsOfTenant, IngestUse } from './ports/quotas.ts';
import { createTenantQuotas } from './tenant-quotas.ts';

async function scene(limits: Partial<IngestLimitsOfTenant> | null) {
  const clock = new FakeClock();
  const tenant = tenantId(randomUUID());
  const at = {
    limits: limits === null ? null : { messagesPerDay: null, storageBytes: null, ...limits },
    use: { messagesToday: 0, storedBytes: 0 } as IngestUse,
    isDown: false,
    looks: 0,
    whileLooking: () => undefined as void,
  };
  const changes: TenantId[] = [];
  const held = new Set([tenant]);
  const metrics = createMetrics();
  const quotas = createTenantQuotas({
    store: {
      limited: () => {
        at.looks += 1;
        if (at.isDown) return Promise.reject(new Error('down'));
        return Promise.resolve(at.limits === null ? new Map() : new Map([[tenant, at.limits]]));
      },
      use: () => {
        const { use } = at;
        at.whileLooking();
        return Promise.resolve(use);
      },
    },
    tenants: () => held,
    clock,
    random: () => 0.5,
    log: createLogger({ service: 'test', level: 'silent' }),
    metrics,
    onChange: (changed) => changes.push(changed),
  });
  await quotas.start();
  onTestFinished(() => quotas.stop());
  const look = async (ms = 5_000): Promise<void> => {
    clock.advance(ms);
    await expect.poll(() => clock.pending).toBe(1);
  };
  return { at, quotas, tenant, changes, held, clock, metrics, look };
}

it('lets one message through until it knows, and all of them where there is no limit', async () => {
  const { quotas, tenant, look } = await scene(null);
  expect([quotas.heldBy(tenant), quotas.room(tenant)]).toEqual([null, 1]);
  await look(0);
  expect([quotas.heldBy(tenant), quotas.room(tenant)]).toEqual([null, Infinity]);
});

it('counts down with what is recorded here, holds at the limit, says so, and goes on when there is room', async () => {
  const { at, quotas, tenant, changes, metrics, look } = await scene({ messagesPerDay: 10 });
  at.use = { messagesToday: 4, storedBytes: 0 };
  await look(0);
  expect(quotas.room(tenant)).toBe(6);
  quotas.recorded(tenant, 5, 1_000);
  expect([quotas.heldBy(tenant), quotas.room(tenant)]).toEqual([null, 1]);
  quotas.recorded(tenant, 1, 1_000);
  expect([quotas.heldBy(tenant), quotas.room(tenant)]).toEqual(['QUOTA_MESSAGES', 1]);
  expect(changes).toEqual([tenant]);
  expect((await metrics.scrape()).text).toContain('mailstream_tenants_over_quota{code="QUOTA_MESSAGES"} 1');
  at.use = { messagesToday: 10, storedBytes: 0 };
  await look();
  expect(changes).toHaveLength(1);
  // The next day, or a limit that was raised.
  at.limits = { messagesPerDay: 12, storageBytes: null };
  await look();
  expect([quotas.heldBy(tenant), quotas.room(tenant), changes.length]).toEqual([null, 2, 2]);
  expect((await metrics.scrape()).text).toContain('mailstream_tenants_over_quota{code="QUOTA_MESSAGES"} 0');
});

it('holds for storage as well', async () => {
  const { at, quotas, tenant, look } = await scene({ storageBytes: 1_000 });
  at.use = { messagesToday: 0, storedBytes: 900 };
  await look(0);
  expect([quotas.heldBy(tenant), quotas.room(tenant)]).toEqual([null, Infinity]);
  quotas.recorded(tenant, 1, 100);
  expect(quotas.heldBy(tenant)).toBe('QUOTA_STORAGE');
});

it('forgets nothing that is recorded while the database is asked, nor what it could not ask for', async () => {
  const { at, quotas, tenant, look } = await scene({ messagesPerDay: 10 });
  await look(0);
  at.whileLooking = () => quotas.recorded(tenant, 3, 0);
  await look();
  expect(quotas.room(tenant)).toBe(7);
  at.whileLooking = () => undefined;
  at.isDown = true;
  quotas.recorded(tenant, 2, 0);
  await look();
  expect(quotas.room(tenant)).toBe(5);
  // Soon again.
  await look(1_000);
});

it('asks at once for a tenant that is new, and forgets one whose mailboxes went elsewhere', async () => {
  const { at, quotas, tenant, held, changes, look } = await scene({ messagesPerDay: 0 });
  held.clear();
  await look(0);
  expect(quotas.heldBy(tenant)).toBeNull();
  quotas.expect(tenant);
  await look(0);
  expect(quotas.heldBy(tenant)).toBe('QUOTA_MESSAGES');
  expect(changes).toHaveLength(1);
  // Expected and held by now.
  held.add(tenant);
  await look();
  held.clear();
  at.limits = null;
  await look();
  expect([quotas.heldBy(tenant), quotas.room(tenant)]).toEqual([null, 1]);
});
