/**
 * Changes of what is shown, from PostgreSQL's notices; where none arrive (a transaction pooler in between), by looking every few seconds
 * at what has changed lately, for tenants that somebody is watching.
 */
import type { Knex } from 'knex';
import type { Database } from '@mailstream/shared/db/database';
import {
  CHANGE_TOPICS,
  createNoticeListener,
  notifyProbe,
  type ChangeTopic,
} from '@mailstream/shared/db/notices';
import type { TenantId } from '@mailstream/shared/domain/ids';
import type { Clock } from '@mailstream/shared/domain/time';
import { createService, type Service } from '@mailstream/shared/runtime/lifecycle';
import type { Logger } from '@mailstream/shared/runtime/logger';
import type { ChangeFeed } from '../ports/live.ts';

type Listener = (topic: ChangeTopic) => void;
type Looked = Exclude<ChangeTopic, 'sessions'>;

/** One value a topic that becomes another one with a change; of messages and tickets the last 200 count, by the index of their time. */
const FINGERPRINTS: Record<Looked, string> = {
  providers: `
    SELECT md5(string_agg(concat_ws(' ', p.id, p.status, p.error_code, p.paused_at, p.is_active, c.config_version, c.audit_version, c.lease_owner,
                 (SELECT max(s.audited_at) FROM folder_status s WHERE s.tenant = p.tenant AND s.provider_id = p.id)), ',' ORDER BY p.id)) AS mark
      FROM email_providers p
      JOIN imap_email_provider_config c ON c.tenant = p.tenant AND c.email_provider_id = p.id
     WHERE p.tenant = ?`,
  messages: `
    SELECT md5(concat(string_agg(event_id || status, ',' ORDER BY received_at, event_id),
                 (SELECT concat(count(*), max(last_at), max(replay_requested_at)) FROM dead_letters d WHERE d.tenant = m.tenant))) AS mark
      FROM (SELECT * FROM inbound_messages WHERE tenant = ? ORDER BY received_at DESC LIMIT 200) m
     GROUP BY tenant`,
  tickets: `
    SELECT md5(string_agg(concat_ws(' ', id, status, updated_at), ',' ORDER BY created_at, id)) AS mark
      FROM (SELECT * FROM tickets WHERE tenant = ? ORDER BY created_at DESC, id LIMIT 200) t`,
};

export function createPgChangeFeed(options: {
  readonly database: Database;
  /** Past a pooler, where there is one. */
  readonly directUrl: string;
  readonly clock: Clock;
  readonly log: Logger;
  readonly pollMs: number;
}): ChangeFeed & Service {
  const { database, directUrl, clock, log, pollMs } = options;
  const listeners = new Map<TenantId, Set<Listener>>();
  const seen = new Map<string, string | null>();
  let cancel: (() => void) | null = null;
  let polling: Promise<void> = Promise.resolve();
  let isRunning = false;

  const deliver = (tenant: TenantId, topic: ChangeTopic): void => {
    for (const listener of listeners.get(tenant) ?? []) listener(topic);
  };
  const notices = createNoticeListener({
    url: directUrl,
    log,
    applicationName: 'mailstream-server-notices',
    onNotice: ({ tenant }) => deliver(tenant, 'providers'),
    onChange: ({ tenant, topic }) => deliver(tenant, topic),
    // What was told meanwhile was missed.
    onReconnected: () => {
      for (const tenant of listeners.keys()) for (const topic of CHANGE_TOPICS) deliver(tenant, topic);
    },
    sendProbe: (channel) => database.asDaemon((trx) => notifyProbe(trx, channel)),
  });

  const look = async (tenant: TenantId): Promise<void> => {
    const marks = await database.withTenant(tenant, (trx) => readMarks(trx, tenant));
    for (const [topic, mark] of marks) {
      const key = `${tenant} ${topic}`;
      // The first look counts as a change: what came since the page was loaded, or notices ceased, is in none of them.
      if (seen.has(key) && seen.get(key) === mark) continue;
      seen.set(key, mark);
      deliver(tenant, topic);
    }
  };

  const poll = async (): Promise<void> => {
    if (notices.isHearing()) {
      seen.clear();
      return;
    }
    for (const tenant of listeners.keys())
      await look(tenant).catch((error: unknown) => log.debug('changes could not be looked for', { error }));
  };

  const again = (): void => {
    cancel = clock.schedule(pollMs, () => {
      polling = poll().then(() => {
        if (isRunning) again();
      });
    });
  };

  const service = createService('change feed', {
    async start() {
      isRunning = true;
      await notices.start();
      again();
    },
    async stop() {
      isRunning = false;
      cancel?.();
      await Promise.all([notices.stop(), polling]);
    },
  });

  return {
    ...service,
    subscribe(tenant, listener) {
      const own = listeners.get(tenant) ?? new Set();
      listeners.set(tenant, own.add(listener));
      return () => {
        own.delete(listener);
        if (own.size > 0 || listeners.get(tenant) !== own) return;
        listeners.delete(tenant);
        for (const topic of CHANGE_TOPICS) seen.delete(`${tenant} ${topic}`);
      };
    },
  };
}

async function readMarks(trx: Knex.Transaction, tenant: TenantId): Promise<[Looked, string | null][]> {
  const marks: [Looked, string | null][] = [];
  for (const topic of Object.keys(FINGERPRINTS) as Looked[]) {
    const { rows } = await trx.raw<{ rows: { mark: string | null }[] }>(FINGERPRINTS[topic], [tenant]);
    marks.push([topic, rows[0]?.mark ?? null]);
  }
  return marks;
}
