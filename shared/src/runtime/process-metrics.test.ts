import { Registry } from 'prom-client';
import { expect, it } from 'vitest';
import { collectProcessMetrics } from './process-metrics.ts';

it('tells everything else where open files cannot be counted', async () => {
  const registry = new Registry();
  collectProcessMetrics(registry, '/nowhere/at/all');
  const text = await registry.metrics();
  expect(text).toMatch(/^process_cpu_seconds_total [\d.]+$/m);
});
