import type { Database } from '@mailstream/shared/db/database';
import type { Metrics } from '@mailstream/shared/runtime/metrics';
import type { Check, Health } from '../ports.ts';

/** Shorter than the patience of an orchestrator's probe. */
const CHECK_DEADLINE_MS = 2_500;

export function createHealth(parts: {
  readonly database: Pick<Database, 'ping'>;
  readonly metrics: Metrics;
}): Health {
  const { database, metrics } = parts;
  return {
    async readiness() {
      const ok = await answersInTime(database.ping());
      metrics.dependencyUp.set({ dependency: 'postgresql' }, ok ? 1 : 0);
      const check: Check = { name: 'postgresql', ok };
      return [ok ? check : { ...check, detail: 'The database cannot be reached.' }];
    },
    metrics: () => metrics.scrape(),
  };
}

async function answersInTime(work: Promise<void>): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<boolean>((resolve) => {
    timer = setTimeout(() => resolve(false), CHECK_DEADLINE_MS);
  });
  try {
    return await Promise.race([
      work.then(
        () => true,
        () => false,
      ),
      late,
    ]);
  } finally {
    clearTimeout(timer);
  }
}
