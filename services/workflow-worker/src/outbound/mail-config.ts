/** Settings of sending, read by `config.ts`. */
import type { EnvReader } from '@mailstream/shared/runtime/env';
import { parseAllowList } from '@mailstream/shared/net/allow-list';
import { type KeyRing, parseKeyRing } from '@mailstream/shared/secrets/key-ring';
import {
  readSecretPlaces,
  type SecretPlaces,
  type SecretPlugIn,
} from '@mailstream/shared/secrets/secret-places';

export interface MailConfig {
  readonly keyRing: KeyRing;
  readonly secretPlaces: SecretPlaces;
  readonly plaintextAllowCidrs: readonly string[];
  readonly connectionTimeoutMs: number;
  readonly concurrency: number;
  readonly maxAttempts: number;
  readonly retryBaseMs: number;
  readonly leaseMs: number;
  readonly relayMs: number;
  readonly relayAgainMs: number;
}

/** @returns null without `SECRETS_MASTER_KEY`: such a worker sends nothing. */
export function readMailConfig(
  env: EnvReader,
  environment: Readonly<Record<string, string | undefined>>,
  plugIns: readonly SecretPlugIn[],
): MailConfig | null {
  const key = env.optionalString('SECRETS_MASTER_KEY');
  const secretPlaces = readSecretPlaces(env, environment, plugIns);
  const settings = {
    plaintextAllowCidrs: env.list('IMAP_PLAINTEXT_ALLOW_CIDRS', { default: [] }),
    connectionTimeoutMs: env.integer('IMAP_CONNECTION_TIMEOUT_MS', {
      default: 10_000,
      min: 100,
      max: 120_000,
    }),
    concurrency: env.integer('WORKER_MAIL_CONCURRENCY', { default: 8, min: 1, max: 256 }),
    maxAttempts: env.integer('WORKER_MAIL_MAX_ATTEMPTS', { default: 30, min: 1, max: 1000 }),
    retryBaseMs: env.integer('WORKER_MAIL_RETRY_BASE_MS', { default: 30_000, min: 10, max: 3_600_000 }),
    leaseMs: env.integer('WORKER_MAIL_LEASE_MS', { default: 120_000, min: 1_000, max: 3_600_000 }),
    relayMs: env.integer('WORKER_MAIL_RELAY_MS', { default: 500, min: 20, max: 60_000 }),
    relayAgainMs: env.integer('WORKER_MAIL_RELAY_AGAIN_MS', { default: 60_000, min: 100, max: 3_600_000 }),
  };
  const plaintext = parseAllowList(settings.plaintextAllowCidrs, 'IMAP_PLAINTEXT_ALLOW_CIDRS');
  if (plaintext.kind === 'problem') env.problem(plaintext.text);
  if (key === undefined) return null;
  const ring = parseKeyRing(key);
  if (ring.kind === 'problem') env.problem(ring.text);
  if (ring.kind === 'problem') return null;
  return { ...settings, keyRing: ring.ring, secretPlaces };
}
