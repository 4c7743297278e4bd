/**
 * "Provider settings changed" between processes, over PostgreSQL's LISTEN and NOTIFY.
 *
 * A notice is a hint, never the only way: it is lost while a listener is away, and a transaction pooler passes none although it
 * takes LISTEN without a complaint. Therefore the listener sends itself a notice, by the way that all notices go, and believes
 * that it hears only while that arrives.
 *
 * ```
 *            probe heard: onReconnected          probe heard
 *   DEAF ─────────────────────────────▶ HEARING ⟲ every 15 s
 *    ▲ ⟲ probe not heard: again in a minute │
 *    └──── connection lost, probe not heard ┘
 * ```
 * While DEAF its owner has to look by itself. `onReconnected` is called at each change to HEARING: notices were lost before it.
 */
import { randomBytes } from 'node:crypto';
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
export const CHANGE_CHANNEL = 'mailstream_changes';

/** What people look at. `sessions`: somebody may have lost the right to look. */
export const CHANGE_TOPICS = ['providers', 'messages', 'tickets', 'sessions'] as const;
export type ChangeTopic = (typeof CHANGE_TOPICS)[number];

/** Something that is shown to the people of a tenant is not what it was. */
export interface ChangeNotice {
  readonly tenant: TenantId;
  readonly topic: ChangeTopic;
}

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

/** Tells whoever shows these things, when the transaction commits. Not for the hot path: see `createChangeTeller`. */
export async function notifyChanges(trx: Knex.Transaction, changes: readonly ChangeNotice[]): Promise<void> {
  if (changes.length === 0) return;
  const payloads = changes.map(({ tenant, topic }) => JSON.stringify({ tenant, topic }));
  await trx.raw('SELECT pg_notify(?, payload) FROM unnest(CAST(? AS text[])) AS payload', [
    CHANGE_CHANNEL,
    payloads,
  ]);
}

const changeSchema = z.object({ tenant: z.guid(), topic: z.enum(CHANGE_TOPICS) });

/** Null for anything that is not a notice of ours, as a newer version may send. */
export function parseChange(payload: string | undefined): ChangeNotice | null {
  try {
    const { tenant, topic } = changeSchema.parse(JSON.parse(payload ?? ''));
    return { tenant: tenantId(tenant), topic };
  } catch {
    return null;
  }
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

/** Sends a notice that means nothing, on a channel of the asker's own. */
export async function notifyProbe(trx: Knex.Transaction, channel: string): Promise<void> {
  await trx.raw("SELECT pg_notify(?, '')", [channel]);
}

export interface NoticeListenerOptions {
  /** Should be a direct connection, not one through a transaction pooler. */
  readonly url: string;
  readonly log: Logger;
  readonly onNotice: (notice: ProviderNotice) => void;
  /** Without it changes are not listened to. */
  readonly onChange?: (change: ChangeNotice) => void;
  readonly onReconnected: () => void;
  /** Sends `notifyProbe` in a transaction of its own, on the database and by the way that others send their notices. */
  readonly sendProbe: (channel: string) => Promise<void>;
  readonly onHearing?: (isHearing: boolean) => void;
  readonly clock?: Clock;
  readonly applicationName?: string;
}

export type NoticeListener = Service & {
  /** True while notices are known to arrive. */
  isHearing(): boolean;
};

const BACKOFF = { baseMs: 200, capMs: 10_000, jitter: 0.5 };
/** An idle link that died without a word is found by asking. */
const PROBE_INTERVAL_MS = 15_000;
const ANSWER_DEADLINE_MS = 5_000;
/** A notice takes a millisecond; on a machine that is busy, some hundred. */
const PROBE_DEADLINE_MS = 2_000;
/** A pooler may be taken away, or have been slow; each try leaves a LISTEN on one of its connections. */
const DEAF_RETRY_MS = 60_000;

/** LISTEN works, and nothing comes. */
class DeafError extends Error {
  override readonly name = 'DeafError';
}

export function createNoticeListener(options: NoticeListenerOptions): NoticeListener {
  let aborter = new AbortController();
  let loop: Promise<void> = Promise.resolve();
  let isHearing = false;
  const hear = (now: boolean): void => {
    if (now === isHearing) return;
    isHearing = now;
    options.onHearing?.(now);
    options.log.info('notices', { state: now ? 'heard' : 'not heard' });
    if (now) options.onReconnected();
  };
  const service = createService('notice listener', {
    start: () => {
      aborter = new AbortController();
      loop = keepListening(options, aborter.signal, hear);
      return Promise.resolve();
    },
    stop: () => {
      aborter.abort();
      return loop;
    },
  });
  return { ...service, isHearing: () => isHearing };
}

async function keepListening(
  options: NoticeListenerOptions,
  signal: AbortSignal,
  hear: (isHearing: boolean) => void,
): Promise<void> {
  const { clock = systemClock, log } = options;
  let attempt = 0;
  while (!signal.aborted) {
    try {
      await listenOnce(options, clock, signal, () => {
        attempt = 0;
        hear(true);
      });
    } catch (error) {
      if (signal.aborted) return;
      const isDeaf = error instanceof DeafError;
      attempt = isDeaf ? 0 : attempt + 1;
      const delayMs = isDeaf ? DEAF_RETRY_MS : backoffMs(BACKOFF, attempt, Math.random());
      if (isDeaf)
        log.warn('notices do not arrive, as behind a transaction pooler; looking for changes instead', {
          delayMs,
        });
      else log.warn('notice listener lost its connection', { error, attempt, delayMs });
      hear(false);
      await pause(clock, delayMs, signal);
    } finally {
      hear(false);
    }
  }
}

/** Resolves when `signal` aborts, rejects when the connection ends, or nothing is heard on it. Leaves nothing open. */
async function listenOnce(
  options: NoticeListenerOptions,
  clock: Clock,
  signal: AbortSignal,
  onHeard: () => void,
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
  const probeChannel = `mailstream_probe_${randomBytes(8).toString('hex')}`;
  let probeHeard = (): void => undefined;
  client.on('notification', ({ channel, payload }) => {
    if (channel === probeChannel) return probeHeard();
    if (channel === CHANGE_CHANNEL) {
      const change = parseChange(payload);
      if (change !== null) options.onChange?.(change);
      return;
    }
    const notice = channel === PROVIDER_CHANNEL ? parseNotice(payload) : null;
    if (notice === null)
      options.log.warn('notice with an unknown form ignored', { count: payload?.length ?? 0 });
    else options.onNotice(notice);
  });
  try {
    await client.connect();
    await client.query(`LISTEN ${PROVIDER_CHANNEL}`);
    if (options.onChange !== undefined) await client.query(`LISTEN ${CHANGE_CHANNEL}`);
    await client.query(`LISTEN ${probeChannel}`);
    while (!signal.aborted) {
      const heard = new Promise<'heard'>((resolve) => {
        probeHeard = () => resolve('heard');
      });
      const waiting = new AbortController();
      const end = AbortSignal.any([signal, waiting.signal]);
      await options.sendProbe(probeChannel);
      const answer = await Promise.race([ended, heard, pause(clock, PROBE_DEADLINE_MS, end)]);
      waiting.abort();
      if (answer instanceof Error) throw answer;
      if (signal.aborted) return;
      if (answer !== 'heard') {
        // As far as a pooler lets it: its connections live on, and others get them.
        await client.query('UNLISTEN *');
        throw new DeafError('a notice to ourselves did not arrive');
      }
      onHeard();
      const lost = await Promise.race([ended, pause(clock, PROBE_INTERVAL_MS, signal)]);
      if (lost instanceof Error) throw lost;
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
