import { expect, it } from 'vitest';
import { instanceId, providerId, tenantId } from '@mailstream/shared/domain/ids';
import type { ImapProvider } from '@mailstream/shared/domain/provider';
import { createLogger } from '@mailstream/shared/runtime/logger';
import { FakeClock } from '@mailstream/shared/testing/fake-clock';
import { AuditTurns } from './audit-turns.ts';
import { ConnectionTurns } from './connection-turns.ts';
import { ProviderRuntime, type RuntimeDeps } from './provider-runtime.ts';

const REF = {
  tenant: tenantId('00000000-0000-4000-8000-000000000001'),
  id: providerId('00000000-0000-4000-9000-000000000001'),
};
const TERM = { owner: instanceId('00000000-0000-4000-a000-000000000001'), epoch: 1 };
const SETTINGS: ImapProvider = {
  ...REF,
  name: 'Support',
  mailbox: 'support@example.com',
  endpoint: { host: 'mail.example.com', port: 993, security: 'tls', verifyCertificate: true },
  auth: { kind: 'password', username: 'support' },
  folders: ['INBOX'],
  startFrom: { kind: 'now' },
  configVersion: 3,
};

it('takes settings that changed under the same version, after a database lost commits', async () => {
  const clock = new FakeClock();
  let stored = SETTINGS;
  const deps = {
    source: { load: () => Promise.resolve(stored) },
    health: { report: () => Promise.resolve() },
    status: {
      requests: () => Promise.resolve({ audit: 0, answeredAudits: new Map(), resyncs: new Map() }),
    },
    ingest: { clock },
    healthDelayMs: 0,
    folderAdded: () => undefined,
    log: createLogger({ service: 'test', level: 'silent' }),
    listener: {
      clock,
      random: () => 0.5,
      turns: new ConnectionTurns(clock, { perTenant: 0, perHost: 0, quantumMs: 1_000 }),
      auditTurns: new AuditTurns(),
      connector: {
        connect: () => new Promise(() => undefined),
      },
      metrics: {
        transition: () => undefined,
        unexpected: () => undefined,
        fault: () => undefined,
        audited: () => undefined,
      },
      pause: () => Promise.resolve(),
      pressure: { heldBy: () => null, noted: () => undefined },
      settings: {
        pollIntervalMs: 30_000,
        idleRenewMs: 180_000,
        watchIntervalMs: 300_000,
        timerJitter: 0.1,
        reconnectJitter: 0.5,
        startupStaggerMs: 0,
        connectDeadlineMs: 30_000,
        auditIntervalMs: 0,
      },
    },
  } as unknown as RuntimeDeps;
  const runtime = new ProviderRuntime(deps, REF, TERM, { quiet: () => undefined, fenced: () => undefined });

  runtime.start();
  await expect.poll(() => runtime.listenerCount).toBe(1);
  // The same once more is no change.
  runtime.distrustStores(1_000);
  clock.advance(1_000);
  stored = { ...SETTINGS, folders: ['INBOX', 'Work'] };
  runtime.distrustStores(1_000);
  clock.advance(1_000);
  await expect.poll(() => runtime.listenerCount).toBe(2);
  runtime.abort();
});
