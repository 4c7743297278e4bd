import { describe, expect, it } from 'vitest';
import { ConfigError, EnvReader } from '../runtime/env.ts';
import { rootSpanIdOf, traceIdOf } from './message-trace.ts';
import { readTraceSettings, type TraceSettings } from './trace-settings.ts';

function read(environment: Readonly<Record<string, string>>): TraceSettings | null | readonly string[] {
  const env = new EnvReader(environment);
  const settings = readTraceSettings(env, 'email-service');
  try {
    env.finish();
    return settings;
  } catch (error) {
    return error instanceof ConfigError ? error.problems : ['?'];
  }
}

describe('traces', () => {
  it.each([
    {},
    { OTEL_TRACES_EXPORTER: 'none', OTEL_EXPORTER_OTLP_ENDPOINT: 'http://collector:4318' },
    { OTEL_SDK_DISABLED: 'true', OTEL_TRACES_EXPORTER: 'otlp' },
    { OTEL_SERVICE_NAME: 'mail' },
  ])('are off with %j', (environment) => {
    expect(read(environment)).toBeNull();
  });

  it.each([
    [{ OTEL_TRACES_EXPORTER: 'otlp' }, 'http://localhost:4318/v1/traces'],
    [{ OTEL_EXPORTER_OTLP_ENDPOINT: 'http://collector:4318/' }, 'http://collector:4318/v1/traces'],
    [{ OTEL_EXPORTER_OTLP_ENDPOINT: 'https://10.0.0.7/otlp' }, 'https://10.0.0.7/otlp/v1/traces'],
    [{ OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: 'https://traces.example/in' }, 'https://traces.example/in'],
  ])('go with %j to %s', (environment, url) => {
    expect(read(environment)).toMatchObject({ url, ratio: 1, serviceName: 'mailstream-email-service' });
  });

  it.each([
    ['always_off', '0.5', 0],
    ['traceidratio', '0.25', 0.25],
    ['parentbased_traceidratio', '0.25', 0.25],
    ['always_on', '0.25', 1],
  ])('are kept by %s (%s) for a share of %d', (sampler, argument, ratio) => {
    const environment = {
      OTEL_TRACES_EXPORTER: 'otlp',
      OTEL_TRACES_SAMPLER: sampler,
      OTEL_TRACES_SAMPLER_ARG: argument,
    };
    expect(read(environment)).toMatchObject({ ratio });
  });

  it.each([
    [{ OTEL_TRACES_EXPORTER: 'zipkin' }, /^OTEL_TRACES_EXPORTER must be one of/],
    [{ OTEL_TRACES_SAMPLER: 'jaeger_remote' }, /^OTEL_TRACES_SAMPLER must be one of/],
    [{ OTEL_EXPORTER_OTLP_PROTOCOL: 'grpc' }, /^OTEL_EXPORTER_OTLP_PROTOCOL must be one of: http\/json/],
    [{ OTEL_EXPORTER_OTLP_ENDPOINT: 'collector:4318' }, /^OTEL_EXPORTER_OTLP_ENDPOINT must be a URL/],
    [
      { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://169.254.169.254' },
      /^OTEL_EXPORTER_OTLP_ENDPOINT leads to an address/,
    ],
    [{ OTEL_EXPORTER_OTLP_CERTIFICATE: '/nowhere' }, /^OTEL_EXPORTER_OTLP_CERTIFICATE names a file/],
  ])('refuse %j', (environment, problem) => {
    expect(read(environment)).toEqual([expect.stringMatching(problem)]);
  });
});

describe('ids', () => {
  it('follow from the event id, in the form that W3C asks for', () => {
    const eventId = '0B7B8C6E-2F57-5f0b-9c37-8f6c2f1d4a55';
    expect(traceIdOf(eventId)).toBe('0b7b8c6e2f575f0b9c378f6c2f1d4a55');
    expect(rootSpanIdOf(eventId)).toMatch(/^[0-9a-f]{16}$/);
    expect(rootSpanIdOf(eventId)).toBe(rootSpanIdOf(eventId.toLowerCase()));
    expect(rootSpanIdOf(eventId)).not.toBe(rootSpanIdOf('0b7b8c6e-2f57-5f0b-9c37-8f6c2f1d4a56'));
  });
});
