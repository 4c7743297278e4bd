/**
 * Notices that PostgreSQL or Redis is not the one it was: restarted, restored, failed over, emptied. Then it may have lost data,
 * and every folder compares mailbox, ledger and stream again (DESIGN section 5: recovery and reconciliation "after any lost
 * connection"). A connection that was merely cut loses nothing, so it is the store that is watched, not the connection.
 */
import { toFault } from '@mailstream/shared/errors/fault-error';
import { jittered, type Clock } from '@mailstream/shared/domain/time';
import { createService, type Service } from '@mailstream/shared/runtime/lifecycle';
import type { Logger } from '@mailstream/shared/runtime/logger';
import type { StoreIdentity } from './ports/stream.ts';

export interface StoreWatchOptions {
  readonly stores: Readonly<Record<string, StoreIdentity>>;
  readonly everyMs: number;
  readonly jitter: number;
  readonly clock: Clock;
  readonly random: () => number;
  readonly log: Logger;
  readonly onDoubt: () => void;
}

export function createStoreWatch(options: StoreWatchOptions): Service {
  const { stores, clock, log } = options;
  const known = new Map<string, string>();
  /** Stores whose last look failed: whatever happened meanwhile was not seen. */
  const unseen = new Set<string>();
  let cancel: (() => void) | null = null;
  let looking: Promise<void> = Promise.resolve();
  let isStopped = false;

  const look = async (name: string, store: StoreIdentity): Promise<boolean> => {
    const before = known.get(name);
    try {
      const now = await store.read();
      known.set(name, now);
      const wasUnseen = unseen.delete(name);
      if (before !== undefined && store.continues(before, now)) return false;
      // The first look: what was recovered before it may have been lost since. At a start that is nothing, or little.
      if (before === undefined && !wasUnseen) return true;
      log.warn('a store is not the one it was; comparing ledger, stream and mailboxes', { name });
      return true;
    } catch (error) {
      unseen.add(name);
      log.debug('a store could not be looked at', { name, code: toFault(error).code });
      return false;
    }
  };

  const round = async (): Promise<void> => {
    const doubts = await Promise.all(Object.entries(stores).map(([name, store]) => look(name, store)));
    if (isStopped) return;
    if (doubts.includes(true)) options.onDoubt();
    arm();
  };

  const arm = (): void => {
    cancel = clock.schedule(jittered(options.everyMs, options.jitter, options.random()), () => {
      looking = round();
    });
  };

  return createService('store watch', {
    start: () => {
      isStopped = false;
      looking = round();
      return Promise.resolve();
    },
    stop: async () => {
      isStopped = true;
      cancel?.();
      await looking;
      cancel?.();
    },
  });
}
