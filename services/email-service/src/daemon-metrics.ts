/** From what the runners tell to the instruments of the metric table. Gauges follow transitions, nothing is counted twice. */
import type { Metrics } from '@mailstream/shared/runtime/metrics';
import type { LedgerStatus } from '@mailstream/shared/domain/message';
import type { ListenerDeps } from './listener-deps.ts';

export interface MachineMetrics {
  transition(from: string, to: string): void;
  unexpected(state: string, event: string): void;
}

export function leaseMetrics(metrics: Metrics): MachineMetrics {
  return {
    transition: (from, to) => {
      metrics.leases.dec({ state: from });
      metrics.leases.inc({ state: to });
      if (to === 'held') metrics.leaseTransitions.inc({ result: 'won' });
      if (from === 'releasing') metrics.leaseTransitions.inc({ result: 'released' });
    },
    unexpected: (state, event) => metrics.unexpectedEvents.inc({ machine: 'lease', state, event }),
  };
}

export function listenerMetrics(
  metrics: Metrics,
): MachineMetrics & Pick<ListenerDeps['metrics'], 'fault' | 'audited'> {
  return {
    transition: (from, to) => {
      if (from !== 'idle') metrics.listeners.dec({ state: from });
      if (to !== 'stopped') metrics.listeners.inc({ state: to });
      if (from === 'connecting' && to === 'opening') metrics.connects.inc({ result: 'connected' });
    },
    unexpected: (state, event) => metrics.unexpectedEvents.inc({ machine: 'listener', state, event }),
    fault: ({ kind, code }, isConnecting) => {
      if (isConnecting) metrics.connects.inc({ result: code });
      metrics.errors.inc({ kind, code });
      metrics.reconnects.inc({ code });
    },
    audited: ({ change, found, durationMs }) => {
      metrics.auditMissing.inc(change);
      metrics.auditFound.inc(found);
      if (durationMs !== null) metrics.auditSeconds.observe(durationMs / 1000);
    },
  };
}

export function ingestMetrics(metrics: Metrics): { messages(statuses: readonly LedgerStatus[]): void } {
  return {
    messages: (statuses) => {
      for (const status of statuses) metrics.messages.inc({ result: status });
    },
  };
}
