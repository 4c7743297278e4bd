import { describe, expect, it } from 'vitest';
import { METRIC_LABELS, METRIC_TABLE, type MetricDefinition } from './metric-table.ts';
import { createMetrics } from './metrics.ts';

const DEFINITIONS = Object.values(METRIC_TABLE) as readonly MetricDefinition[];

describe('metric table', () => {
  it('gives every metric a name of its own', () => {
    expect(new Set(DEFINITIONS.map(({ name }) => name)).size).toBe(DEFINITIONS.length);
  });

  it.each(DEFINITIONS)('$name follows the naming rules and has bounded labels', (definition) => {
    expect(definition.name).toMatch(/^mailstream_[a-z][a-z0-9_]*[a-z0-9]$/);
    expect(definition.name.endsWith('_total')).toBe(definition.type === 'counter');
    expect(definition.name).not.toMatch(/_(ms|millis|milliseconds|kb|mb|percent)(_|$)/);
    expect(definition.help).toMatch(/^[A-Z0-9].*\.$/);
    if (definition.type === 'histogram') expect(definition.name).toMatch(/_(seconds|bytes)$/);
    expect(definition.buckets === undefined).toBe(definition.type !== 'histogram');
    for (const label of definition.labels) expect(METRIC_LABELS).toContain(label);
  });

  it('has no label that could hold a tenant, mailbox, folder or address', () => {
    for (const label of METRIC_LABELS)
      expect(label).not.toMatch(/tenant|provider|folder|mailbox|address|email|host|user/);
  });
});

describe('metrics', () => {
  it('tells of the process what costs the same however many connections it has', async () => {
    const { text } = await createMetrics({ processMetrics: true }).scrape();
    expect(text).toMatch(/^process_cpu_seconds_total [\d.]+$/m);
    expect(text).toMatch(/^nodejs_eventloop_lag_p99_seconds [\d.e-]+$/m);
    if (process.platform === 'linux') expect(text).toMatch(/^process_open_fds [1-9]\d*$/m);
    expect(text).not.toContain('nodejs_active_handles');
    expect(text).not.toMatch(/^nodejs_active_resources/m);
  });

  it('shows version, counters and gauges that are set at the scrape', async () => {
    const metrics = createMetrics({ service: 'worker', version: '1.2.3' });
    metrics.entries.inc({ result: 'ticket' }, 2);
    let held = 0;
    metrics.onScrape(() => metrics.leases.set({ state: 'held' }, ++held));
    metrics.onScrape(() => Promise.reject(new Error('a source that is down')));
    const { contentType, text } = await metrics.scrape();
    expect(contentType).toContain('text/plain');
    expect(text).toContain('mailstream_build_info{service="worker",version="1.2.3"} 1');
    expect(text).toContain('mailstream_worker_entries_total{result="ticket"} 2');
    expect(text).toContain('mailstream_leases{state="held"} 1');
  });

  it('keeps two processes in one program apart', async () => {
    const one = createMetrics();
    const two = createMetrics();
    one.entriesClaimed.inc(7);
    expect((await two.scrape()).text).toContain('mailstream_worker_entries_claimed_total 0');
  });

  it('refuses a label that is not in the table', () => {
    const metrics = createMetrics();
    const labels = { folder: 'INBOX' } as unknown as { result: string };
    expect(() => metrics.messages.inc(labels)).toThrow(/not included in initial labelset/);
  });
});
