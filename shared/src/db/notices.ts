/**
 * "Provider settings changed" between processes, over PostgreSQL's LISTEN and NOTIFY.
 *
 * A notice is a hint, never the only way: it is lost while a listener is away, and a transaction pooler passes none. Therefore
 * `onReconnected` is called each time LISTEN takes effect, the first time included, and the listener's owner then reads everything.
 */
import type { Knex } from 'knex';
import pg from 'pg';
import { z } from 'zod';
import { providerId, tenantId, type ProviderId, type TenantId } from '../domain/ids.ts';
import { backoffMs, type Clock } from '../domain/time.ts';
import { createService, type Service } from '../runtime/lifecycle.ts';
import type { Logger } from '../runtime/logger.ts';
import { pause, systemClock } from '../runtime/system-clock.ts';
import { connectionSettings } from './connection-settings.ts';

export const PROVIDER_CHANNEL = 'mailstream_providers';

export interface ProviderNotice {
  readonly tenant: TenantId;
  readonly id: ProviderId;
}

/** Tells all listeners when (and only when) the transaction commits. */
export async function notifyProvider(trx: Knex.Transaction, tenant: TenantId, id: ProviderId): Promise<void> {
  await notifyProviders(trx, [{ tenant, id }]);
}

/** The same for several, in one statement. */
export async function notifyProviders(
  trx: Knex.Transaction,
  providers: readonly ProviderNotice[],
): Promise<void> {
  if (providers.length === 0) return;
  const payloads = providers.map(({ tenant, id }) => JSON.stringify({ tenant, id }));
  await trx.raw('SELECT pg_notify(?, payload) FROM unnest(CAST(? AS text[])) AS payload', [
    PROVIDER_CHANNEL,
    payloads,
  ]);
}

const payloadSchema = z.object({ tenant: z.guid(), id: z.guid() });

/** Null for anything that is not a notice of ours: every login of the database may send on the channel. */
export function parseNotice(payload: string | undefined): ProviderNotice | null {
  try {
    const { tenant, id } = payloadSchema.parse(JSON.parse(payload ?? ''));
    return { tenant: tenantId(tenant), id: providerId(id) };
  } catch {
    return null;
  }
}

export interface NoticeListenerOptions {
  /** Needs a direct connection, not a transaction pooler. */
  readonly url: string;
  readonly log: Logger;
  readonly onNotice: (notice: ProviderNotice) => void;
  readonly onReconnected: () => void;
  readonly clock?: Clock;
  readonly applicationName?: string;
}

const BACKOFF = { baseMs: 200, capMs: 10_000, jitter: 0.5 };
/** An idle link that died without a word is found by asking. */
const PROBE_INTERVAL_MS = 15_000;
const ANSWER_DEADLINE_MS = 5_000;

export function createNoticeListener(options: NoticeListenerOptions): Service {
  let aborter = new AbortController();
  let loop: Promise<void> = Promise.resolve();
  return createService('notice listener', {
    start: () => {
      aborter = new AbortController();
      loop = keepListening(options, aborter.signal);
      return Promise.resolve();
    },
    stop: () => {
      aborter.abort();
      return loop;
    },
  });
}

async function keepListening(options: NoticeListenerOptions, signal: AbortSignal): Promise<void> {
  const { clock = systemClock, log } = options;
  let attempt = 0;
  while (!signal.aborted) {
    try {
      await listenOnce(options, clock, signal, () => {
        attempt = 0;
      });
    } catch (error) {
      if (signal.aborted) return;
      attempt += 1;
      const delayMs = backoffMs(BACKOFF, attempt, Math.random());
      log.warn('notice listener lost its connection', { error, attempt, delayMs });
      await pause(clock, delayMs, signal);
    }
  }
}

/** Resolves when `signal` aborts, rejects when the connection ends or does not answer. Leaves nothing open. */
async function listenOnce(
  options: NoticeListenerOptions,
  clock: Clock,
  signal: AbortSignal,
  onListening: () => void,
): Promise<void> {
  const client = new pg.Client({
    ...connectionSettings(options.url),
    application_name: options.applicationName ?? 'mailstream-notices',
    connectionTimeoutMillis: ANSWER_DEADLINE_MS,
    query_timeout: ANSWER_DEADLINE_MS,
    keepAlive: true,
  });
  const ended = new Promise<Error>((resolve) => {
    client.on('error', resolve);
    client.on('end', () => resolve(new Error('Connection terminated')));
  });
  client.on('notification', ({ channel, payload }) => {
    const notice = channel === PROVIDER_CHANNEL ? parseNotice(payload) : null;
    if (notice === null)
      options.log.warn('notice with an unknown form ignored', { count: payload?.length ?? 0 });
    else options.onNotice(notice);
  });
  try {
    await client.connect();
    await client.query(`LISTEN ${PROVIDER_CHANNEL}`);
    onListening();
    options.log.debug('listening for notices');
    options.onReconnected();
    while (!signal.aborted) {
      const lost = await Promise.race([ended, pause(clock, PROBE_INTERVAL_MS, signal)]);
      if (lost instanceof Error) throw lost;
      if (!signal.aborted) await client.query('SELECT 1');
    }
  } finally {
    await close(client, ended);
  }
}

/** A server that does not answer must not hold up the goodbye. */
async function close(client: pg.Client, ended: Promise<Error>): Promise<void> {
  const raw = client as pg.Client & { readonly connection?: { readonly stream?: { destroy(): void } } };
  client.end().catch(() => undefined);
  raw.connection?.stream?.destroy();
  await Promise.race([ended, pause(systemClock, 1000)]);
}
