/**
 * Tells the pages of a tenant that something changed, apart from the change itself: PostgreSQL lets transactions with a notice commit only
 * one after the other, which ingest and worker must not wait for. Changes of a moment go out together, each once. A notice that is lost
 * costs a page some seconds: it looks by itself as well.
 */
import type { TenantId } from '../domain/ids.ts';
import type { Clock } from '../domain/time.ts';
import { createService, type Service } from '../runtime/lifecycle.ts';
import type { Logger } from '../runtime/logger.ts';
import type { Database } from './database.ts';
import { notifyChanges, type ChangeNotice, type ChangeTopic } from './notices.ts';

const GATHER_MS = 150;

export interface ChangeTeller extends Service {
  /** Never throws and waits for nothing. Before the start and after the stop it does nothing. */
  tell(tenant: TenantId, topic: ChangeTopic): void;
}

export function createChangeTeller(options: {
  readonly database: Pick<Database, 'asDaemon'>;
  readonly clock: Clock;
  readonly log: Logger;
}): ChangeTeller {
  const { database, clock, log } = options;
  const waiting = new Map<string, ChangeNotice>();
  let isRunning = false;
  let cancel: (() => void) | null = null;

  const send = async (): Promise<void> => {
    const changes = [...waiting.values()];
    waiting.clear();
    try {
      await database.asDaemon((trx) => notifyChanges(trx, changes));
    } catch (error) {
      log.debug('changes were not told', { error, count: changes.length });
    }
  };

  const service = createService('change teller', {
    start: () => {
      isRunning = true;
      return Promise.resolve();
    },
    // At once, even when the database is away: what waits is dropped, and what is being sent the database's close waits for.
    stop: () => {
      isRunning = false;
      cancel?.();
      cancel = null;
      waiting.clear();
      return Promise.resolve();
    },
  });

  return {
    ...service,
    tell(tenant, topic) {
      if (!isRunning) return;
      waiting.set(`${tenant} ${topic}`, { tenant, topic });
      cancel ??= clock.schedule(GATHER_MS, () => {
        cancel = null;
        void send();
      });
    },
  };
}
