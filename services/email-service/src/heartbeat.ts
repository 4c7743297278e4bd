/** Says at every beat that this instance is alive and what it holds, and that it is leaving; takes its row back when it stops. */
import { toFault } from '@mailstream/shared/errors/fault-error';
import { jittered, type Clock } from '@mailstream/shared/domain/time';
import { createService, type Service } from '@mailstream/shared/runtime/lifecycle';
import type { Logger } from '@mailstream/shared/runtime/logger';
import type { InstanceRegistry, InstanceReport } from './ports/leases.ts';

export interface HeartbeatOptions {
  readonly registry: InstanceRegistry;
  readonly everyMs: number;
  /** Rows that have been silent this long are removed. */
  readonly deadAfterMs: number;
  readonly jitter: number;
  readonly clock: Clock;
  readonly random: () => number;
  readonly log: Logger;
  readonly report: () => Omit<InstanceReport, 'state'>;
}

/** A stop waits no longer for a database that does not answer: the row of a silent instance is removed by the others. */
export const FAREWELL_MS = 3_000;

export type Heartbeat = Service & {
  /** Says now that this instance is leaving: the others share out what it held without counting it. */
  drain(): void;
};

export function createHeartbeat(options: HeartbeatOptions): Heartbeat {
  const { registry, clock, log } = options;
  let cancel: (() => void) | null = null;
  let beating: Promise<void> = Promise.resolve();
  let isStopped = false;
  let state: InstanceReport['state'] = 'running';

  const beat = async (): Promise<void> => {
    try {
      await registry.beat({ state, ...options.report() }, options.deadAfterMs);
    } catch (error) {
      // The next beat says it again; nothing of the protocol hangs on it.
      log.debug('heartbeat failed', { code: toFault(error).code });
    }
    if (isStopped) return;
    cancel = clock.schedule(jittered(options.everyMs, options.jitter, options.random()), () => {
      beating = beat();
    });
  };

  const service = createService('heartbeat', {
    start: () => {
      isStopped = false;
      state = 'running';
      beating = beat();
      return Promise.resolve();
    },
    stop: async () => {
      isStopped = true;
      cancel?.();
      const left = beating
        .then(() => registry.leave())
        .catch((error: unknown) => {
          const { code } = toFault(error);
          log.debug('the instance could not sign off, its row is removed later', { code });
        });
      await new Promise<void>((resolve) => {
        const giveUp = clock.schedule(FAREWELL_MS, resolve);
        void left.then(() => {
          giveUp();
          resolve();
        });
      });
    },
  });
  return {
    ...service,
    drain: () => {
      if (isStopped) return;
      state = 'draining';
      beating = beating.then(() => {
        cancel?.();
        return beat();
      });
    },
  };
}
