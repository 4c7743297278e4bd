import { expect, it } from 'vitest';
import { createMetrics } from '@mailstream/shared/runtime/metrics';
import { listenerMetrics } from './daemon-metrics.ts';

it('counts attempts to connect by what became of them, and faults of a working connection apart', async () => {
  const metrics = createMetrics();
  const told = listenerMetrics(metrics);
  told.transition('connecting', 'opening');
  told.fault({ kind: 'auth', code: 'IMAP_AUTH_REJECTED', detail: 'x' }, true);
  told.fault({ kind: 'transient', code: 'IMAP_CONNECTION_LOST', detail: 'x' }, false);
  const connects = (await metrics.registry.metrics())
    .split('\n')
    .filter((line) => line.startsWith('mailstream_imap_connects_total{'))
    .toSorted();
  expect(connects).toEqual([
    'mailstream_imap_connects_total{result="IMAP_AUTH_REJECTED"} 1',
    'mailstream_imap_connects_total{result="connected"} 1',
  ]);
});
