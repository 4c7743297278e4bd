/**
 * Spans of messages to an OTLP collector. The only file that knows OpenTelemetry; loaded where traces are on (create-tracer.ts).
 *
 * Spans are put together here and not by the SDK's tracer, which would give them ids of its own and a context to carry along; batches,
 * retries and the wire are the SDK's. A collector that is slow or away costs spans, never mail: they are dropped and counted.
 */
import { randomBytes } from 'node:crypto';
import {
  ROOT_CONTEXT,
  SpanKind,
  SpanStatusCode,
  TraceFlags,
  type Attributes,
  type HrTime,
  type SpanContext,
} from '@opentelemetry/api';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http';
import {
  defaultResource,
  detectResources,
  envDetector,
  resourceFromAttributes,
  type Resource,
} from '@opentelemetry/resources';
import {
  BatchSpanProcessor,
  SamplingDecision,
  TraceIdRatioBasedSampler,
  type ReadableSpan,
  type SpanExporter,
} from '@opentelemetry/sdk-trace';
import { createEgressGuard } from '../net/egress-guard.ts';
import { guardedLookup } from '../net/guarded-lookup.ts';
import { OPERATOR_NETWORKS } from '../net/operator-networks.ts';
import type { Logger } from '../runtime/logger.ts';
import type { Metrics } from '../runtime/metrics.ts';
import { rootSpanIdOf, traceIdOf, type MessageSpan, type SpanFacts, type SpanName } from './message-trace.ts';
import type { TraceSettings } from './trace-settings.ts';

export interface OtlpTracer {
  isTraced(eventId: string): boolean;
  record(span: MessageSpan): void;
  /** Sends what is left, and gives up after some seconds. */
  close(): Promise<void>;
}

const SCOPE = { name: 'mailstream' };
/** A collector that is away is told of once in a while. */
const WARN_EVERY_MS = 60_000;
/** Well below the time that a part of a process has to stop. */
const LAST_FLUSH_MS = 3_000;

const KINDS: Readonly<Record<SpanName, SpanKind>> = {
  fetch: SpanKind.CLIENT,
  parse: SpanKind.INTERNAL,
  store: SpanKind.INTERNAL,
  commit: SpanKind.INTERNAL,
  publish: SpanKind.PRODUCER,
  process: SpanKind.CONSUMER,
  ticket: SpanKind.INTERNAL,
};

const ATTRIBUTES: Readonly<Record<keyof SpanFacts, string>> = {
  tenantId: 'mailstream.tenant.id',
  providerId: 'mailstream.provider.id',
  uid: 'mailstream.message.uid',
  uidValidity: 'mailstream.message.uid_validity',
  bytes: 'mailstream.message.bytes',
  batchMessages: 'mailstream.batch.messages',
  outcome: 'mailstream.outcome',
  queueMs: 'mailstream.queue_ms',
};

export function openOtlpTracer(
  settings: TraceSettings,
  deps: {
    readonly version: string;
    readonly instanceId: string;
    readonly log: Logger;
    readonly metrics: Metrics;
  },
): OtlpTracer {
  const sampler = new TraceIdRatioBasedSampler(settings.ratio);
  const resource = resourceOf(settings, deps);
  const processor = new BatchSpanProcessor({
    ...settings.batch,
    maxExportBatchSize: Math.min(settings.batch.maxExportBatchSize, settings.batch.maxQueueSize),
    exporter: counting(exporterFor(settings), deps),
  });
  return {
    isTraced: (eventId) =>
      sampler.shouldSample(ROOT_CONTEXT, traceIdOf(eventId)).decision === SamplingDecision.RECORD_AND_SAMPLED,
    record: (span) => processor.onEnd(readable(span, resource)),
    close: async () => {
      let timer: NodeJS.Timeout | undefined;
      const late = new Promise<void>((resolve) => {
        timer = setTimeout(resolve, LAST_FLUSH_MS);
      });
      await Promise.race([processor.shutdown().catch(() => undefined), late]);
      clearTimeout(timer);
    },
  };
}

/** Every address that a name resolves to is looked at, as everywhere; what an operator names may be private. */
function exporterFor({ url, tls }: TraceSettings): SpanExporter {
  const { protocol, port: given } = new URL(url);
  const port = Number(given === '' ? (protocol === 'https:' ? 443 : 80) : given);
  const guard = createEgressGuard({ allowCidrs: OPERATOR_NETWORKS, allowPorts: [port] });
  return new OTLPTraceExporter({
    url,
    httpAgentOptions: {
      keepAlive: true,
      ...tls,
      lookup: guardedLookup(guard, port),
    },
  });
}

function resourceOf(
  { serviceName }: TraceSettings,
  { version, instanceId }: { readonly version: string; readonly instanceId: string },
): Resource {
  return defaultResource()
    .merge(detectResources({ detectors: [envDetector] }))
    .merge(
      resourceFromAttributes({
        'service.name': serviceName,
        'service.version': version,
        'service.instance.id': instanceId,
      }),
    );
}

function counting(
  exporter: SpanExporter,
  { log, metrics }: { readonly log: Logger; readonly metrics: Metrics },
): SpanExporter {
  let warnedMs = -Infinity;
  return {
    export: (spans, done) =>
      exporter.export(spans, (result) => {
        const isSent = result.error === undefined && result.code === 0;
        metrics.traceSpans.inc({ result: isSent ? 'sent' : 'dropped' }, spans.length);
        if (!isSent && performance.now() - warnedMs > WARN_EVERY_MS) {
          warnedMs = performance.now();
          // The error may quote headers.
          log.warn('traces could not be sent', { count: spans.length, name: result.error?.name ?? null });
        }
        done(result);
      }),
    shutdown: () => exporter.shutdown(),
    ...(exporter.forceFlush === undefined
      ? {}
      : { forceFlush: () => exporter.forceFlush?.() ?? Promise.resolve() }),
  };
}

function readable(span: MessageSpan, resource: Resource): ReadableSpan {
  const parentId = span.parentId === undefined ? rootSpanIdOf(span.eventId) : span.parentId;
  const context: SpanContext = {
    traceId: traceIdOf(span.eventId),
    spanId: span.spanId ?? randomBytes(8).toString('hex'),
    traceFlags: TraceFlags.SAMPLED,
  };
  const durationMs = Math.max(0, span.endMs - span.startMs);
  return {
    name: span.name,
    kind: KINDS[span.name],
    spanContext: () => context,
    ...(parentId === null ? {} : { parentSpanContext: { ...context, spanId: parentId } }),
    startTime: hrTime(span.startMs),
    endTime: hrTime(span.startMs + durationMs),
    duration: hrTime(durationMs),
    status:
      span.errorCode === null
        ? { code: SpanStatusCode.UNSET }
        : { code: SpanStatusCode.ERROR, message: span.errorCode },
    attributes: attributesOf(span),
    links: [],
    events: [],
    ended: true,
    resource,
    instrumentationScope: SCOPE,
    droppedAttributesCount: 0,
    droppedEventsCount: 0,
    droppedLinksCount: 0,
  };
}

function attributesOf({ eventId, facts, errorCode }: MessageSpan): Attributes {
  const attributes: Attributes = { 'mailstream.event.id': eventId };
  for (const [fact, name] of Object.entries(ATTRIBUTES)) {
    const value = facts[fact as keyof SpanFacts];
    if (value !== undefined) attributes[name] = value;
  }
  if (errorCode !== null) attributes['error.type'] = errorCode;
  return attributes;
}

/** Seconds and nanoseconds. */
function hrTime(ms: number): HrTime {
  const seconds = Math.floor(ms / 1000);
  return [seconds, Math.round((ms - seconds * 1000) * 1_000_000)];
}
