/** CPU, memory, event loop, garbage collection and open files of the process, at a cost that does not grow with its connections. */
import { readdir } from 'node:fs/promises';
import { collectDefaultMetrics, Gauge, type Registry } from 'prom-client';

/**
 * prom-client makes lists of all handles and open files for each scrape, in the event loop: 15 ms with ten thousand connections, for which
 * everything else waits (issue 7). Nobody reads the first two.
 */
const DEAR = [
  'nodejs_active_handles',
  'nodejs_active_handles_total',
  'nodejs_active_resources',
  'nodejs_active_resources_total',
  'process_open_fds',
];
const OPEN_FILES = '/proc/self/fd';

/** @param openFiles directory with an entry for each of them */
export function collectProcessMetrics(register: Registry, openFiles = OPEN_FILES): void {
  // Every 100 ms instead of every 10: the probe itself must not wake an idle process up all the time.
  collectDefaultMetrics({ register, eventLoopMonitoringPrecision: 100 });
  const isLinux = register.getSingleMetric('process_open_fds') !== undefined;
  for (const name of DEAR) register.removeSingleMetric(name);
  if (!isLinux) return;
  new Gauge({
    name: 'process_open_fds',
    help: 'Number of open file descriptors.',
    registers: [register],
    async collect() {
      try {
        // One of them is the list itself.
        this.set((await readdir(openFiles)).length - 1);
      } catch {
        // The list needs a file, and there may be none left: the other metrics are wanted then more than ever.
      }
    },
  });
}
