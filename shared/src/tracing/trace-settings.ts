/**
 * Whether and where traces go, in the variables of OpenTelemetry. Off unless one of them asks for it. What is not read here (headers,
 * timeout, compression) its exporter reads by itself.
 */
import { readFileSync } from 'node:fs';
import { classifyAddress } from '../net/address-class.ts';
import { parseAllowList } from '../net/allow-list.ts';
import { parseHost } from '../net/host-name.ts';
import { OPERATOR_NETWORKS } from '../net/operator-networks.ts';
import type { EnvReader } from '../runtime/env.ts';

export interface TraceSettings {
  /** Of the exporter, with its path. */
  readonly url: string;
  readonly serviceName: string;
  /** Share of messages whose trace is kept; the same messages in every process. */
  readonly ratio: number;
  readonly tls: { readonly ca?: Buffer; readonly cert?: Buffer; readonly key?: Buffer };
  readonly batch: {
    readonly maxQueueSize: number;
    readonly maxExportBatchSize: number;
    readonly scheduledDelayMillis: number;
    readonly exportTimeoutMillis: number;
  };
}

const SAMPLERS = [
  'always_on',
  'always_off',
  'traceidratio',
  'parentbased_always_on',
  'parentbased_always_off',
  'parentbased_traceidratio',
];

/** @returns null where traces are off. Problems are told to `env`. */
export function readTraceSettings(env: EnvReader, service: string): TraceSettings | null {
  const isDisabled = env.boolean('OTEL_SDK_DISABLED', { default: false });
  const exporter = env.optionalString('OTEL_TRACES_EXPORTER');
  const base = env.optionalString('OTEL_EXPORTER_OTLP_ENDPOINT');
  const whole = env.optionalString('OTEL_EXPORTER_OTLP_TRACES_ENDPOINT');
  const settings = {
    serviceName: env.optionalString('OTEL_SERVICE_NAME') ?? `mailstream-${service}`,
    ratio: ratio(env),
    tls: readTls(env),
    batch: {
      maxQueueSize: env.integer('OTEL_BSP_MAX_QUEUE_SIZE', { default: 2_048, min: 1, max: 1_000_000 }),
      maxExportBatchSize: env.integer('OTEL_BSP_MAX_EXPORT_BATCH_SIZE', {
        default: 512,
        min: 1,
        max: 100_000,
      }),
      scheduledDelayMillis: env.integer('OTEL_BSP_SCHEDULE_DELAY', { default: 5_000, min: 10, max: 600_000 }),
      exportTimeoutMillis: env.integer('OTEL_BSP_EXPORT_TIMEOUT', { default: 30_000, min: 10, max: 600_000 }),
    },
  };
  if (exporter !== undefined && exporter !== 'otlp' && exporter !== 'none')
    env.problem('OTEL_TRACES_EXPORTER must be one of: otlp, none');
  // Asked for, so that what the exporter reads by itself is known.
  env.optionalString('OTEL_RESOURCE_ATTRIBUTES');
  env.optionalString('OTEL_EXPORTER_OTLP_HEADERS');
  env.string('OTEL_EXPORTER_OTLP_PROTOCOL', { default: 'http/json', oneOf: ['http/json'] });
  const isWanted =
    exporter === 'otlp' || (exporter === undefined && (base !== undefined || whole !== undefined));
  if (isDisabled || !isWanted) return null;
  const url = whole ?? `${(base ?? 'http://localhost:4318').replace(/\/$/, '')}/v1/traces`;
  const variable = whole === undefined ? 'OTEL_EXPORTER_OTLP_ENDPOINT' : 'OTEL_EXPORTER_OTLP_TRACES_ENDPOINT';
  return isUsable(env, variable, url) ? { url, ...settings } : null;
}

function ratio(env: EnvReader): number {
  const sampler = env.string('OTEL_TRACES_SAMPLER', { default: 'parentbased_always_on', oneOf: SAMPLERS });
  const argument = env.ratio('OTEL_TRACES_SAMPLER_ARG', { default: 1 });
  if (sampler.endsWith('always_off')) return 0;
  return sampler.endsWith('traceidratio') ? argument : 1;
}

/** A name is looked at whenever it is resolved; an address is never resolved. */
function isUsable(env: EnvReader, variable: string, text: string): boolean {
  const url = URL.canParse(text) ? new URL(text) : null;
  if (url === null || !/^https?:$/.test(url.protocol)) {
    env.problem(`${variable} must be a URL that starts with http:// or https://`);
    return false;
  }
  const host = parseHost(url.hostname);
  const allowed = parseAllowList(OPERATOR_NETWORKS);
  const isForbidden =
    host.kind === 'refused' ||
    (host.kind === 'address' &&
      classifyAddress(host.address) !== 'global' &&
      !(allowed.kind === 'ok' && allowed.allowList.has(host.address)));
  if (isForbidden) env.problem(`${variable} leads to an address that nothing is sent to`);
  return !isForbidden;
}

function readTls(env: EnvReader): TraceSettings['tls'] {
  const files = {
    ca: readFile(env, 'OTEL_EXPORTER_OTLP_CERTIFICATE'),
    cert: readFile(env, 'OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE'),
    key: readFile(env, 'OTEL_EXPORTER_OTLP_CLIENT_KEY'),
  };
  return Object.fromEntries(Object.entries(files).filter(([, file]) => file !== null));
}

function readFile(env: EnvReader, name: string): Buffer | null {
  const path = env.optionalString(name);
  if (path === undefined) return null;
  try {
    return readFileSync(path);
  } catch (error) {
    env.problem(
      `${name} names a file that cannot be read (${(error as NodeJS.ErrnoException).code ?? 'error'})`,
    );
    return null;
  }
}
