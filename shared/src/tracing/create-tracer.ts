/** The traces of a process. The packages of OpenTelemetry are loaded when it starts, and never where traces are off. */
import { createService, type Service } from '../runtime/lifecycle.ts';
import type { Logger } from '../runtime/logger.ts';
import type { Metrics } from '../runtime/metrics.ts';
import type { MessageTracer } from './message-trace.ts';
import type { OtlpTracer } from './otlp-tracer.ts';
import type { TraceSettings } from './trace-settings.ts';

export interface Tracing {
  readonly isOn: boolean;
  /** Sends what is left when it stops. */
  readonly service: Service;
  /** The port, with what it does told to the tracer; where traces are off the port itself. */
  wrap<Port>(port: Port, how: (port: Port, tracer: MessageTracer) => Port): Port;
}

/** @param settings null switches traces off */
export function createTracing(
  settings: TraceSettings | null,
  deps: {
    readonly version: string;
    readonly instanceId: string;
    readonly log: Logger;
    readonly metrics: Metrics;
  },
): Tracing {
  let inner: OtlpTracer | null = null;
  // Before the start nothing is fetched, and after the stop nothing is sent.
  const tracer: MessageTracer = {
    isTraced: (eventId) => inner?.isTraced(eventId) ?? false,
    record: (span) => inner?.record(span),
  };
  return {
    isOn: settings !== null,
    service: createService('traces', {
      start: async () => {
        if (settings === null) return;
        const { openOtlpTracer } = await import('./otlp-tracer.ts');
        inner = openOtlpTracer(settings, deps);
        deps.log.info('traces are sent', { name: settings.serviceName });
      },
      stop: async () => {
        const ending = inner;
        inner = null;
        await ending?.close();
      },
    }),
    wrap: (port, how) => (settings === null ? port : how(port, tracer)),
  };
}
