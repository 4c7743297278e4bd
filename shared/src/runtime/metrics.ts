/** The metrics of one process as typed instruments on a registry of its own. */
import { Counter, Gauge, Histogram, Registry } from 'prom-client';
import { METRIC_TABLE, type MetricDefinition } from './metric-table.ts';
import { collectProcessMetrics } from './process-metrics.ts';

type Table = typeof METRIC_TABLE;
type Instrument<Definition extends MetricDefinition> = Definition['type'] extends 'counter'
  ? Counter<Definition['labels'][number]>
  : Definition['type'] extends 'gauge'
    ? Gauge<Definition['labels'][number]>
    : Histogram<Definition['labels'][number]>;

export type Instruments = { readonly [Name in keyof Table]: Instrument<Table[Name]> };

export interface Scrape {
  readonly contentType: string;
  readonly text: string;
}

export type Metrics = Instruments & {
  readonly registry: Registry;
  /**
   * Registers a callback that sets gauges right before each scrape. A callback that throws or rejects is skipped.
   * @returns a function that removes it.
   */
  onScrape(set: () => void | Promise<void>): () => void;
  /** The text form for Prometheus. A callback that takes longer than a second is not waited for. */
  scrape(): Promise<Scrape>;
};

/** Longest wait for the callbacks of one scrape, milliseconds; Prometheus itself gives up after ten seconds. */
const SCRAPE_DEADLINE_MS = 1000;

export function createMetrics(
  options: {
    readonly service?: string;
    readonly version?: string;
    /** CPU, memory, event loop and garbage collection of the process; off in tests that make many. */
    readonly processMetrics?: boolean;
  } = {},
): Metrics {
  const registry = new Registry();
  const instruments = Object.fromEntries(
    Object.entries(METRIC_TABLE).map(([name, definition]) => [name, createInstrument(definition, registry)]),
  ) as unknown as Instruments;
  if (options.processMetrics === true) collectProcessMetrics(registry);
  instruments.buildInfo.set(
    { service: options.service ?? 'unknown', version: options.version ?? 'unknown' },
    1,
  );

  const callbacks = new Set<() => void | Promise<void>>();
  return {
    ...instruments,
    registry,
    onScrape: (set) => {
      callbacks.add(set);
      return () => void callbacks.delete(set);
    },
    scrape: async () => {
      await within(SCRAPE_DEADLINE_MS, Promise.allSettled([...callbacks].map(async (set) => set())));
      return { contentType: registry.contentType, text: await registry.metrics() };
    },
  };
}

function createInstrument(definition: MetricDefinition, registry: Registry): Counter | Gauge | Histogram {
  const { name, help, labels: labelNames } = definition;
  const base = { name, help, labelNames: [...labelNames], registers: [registry] };
  switch (definition.type) {
    case 'counter':
      return new Counter(base);
    case 'gauge':
      return new Gauge(base);
    case 'histogram':
      return new Histogram({ ...base, buckets: [...(definition.buckets ?? [])] });
  }
}

async function within(deadlineMs: number, work: Promise<unknown>): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const deadline = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, deadlineMs);
  });
  await Promise.race([work, deadline]);
  clearTimeout(timer);
}
