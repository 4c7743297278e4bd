/** What the worker gave up on, and how far the alerts about it are. Not breaking: new tables, new rights of the daemon's role. */
import type { Knex } from 'knex';
import { DAEMON_ROLE, distribute, tenantTable } from './sql.ts';

export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    -- One row per event. Whether it has its effect by now is told by the gate, never by this table.
    CREATE TABLE dead_letters (
      tenant uuid NOT NULL REFERENCES tenants ON DELETE CASCADE,
      event_id uuid NOT NULL,
      -- 'worker' has the entry; 'ingest' never came to the stream: the ledger has the rest.
      source text NOT NULL CHECK (source IN ('worker', 'ingest')),
      state text NOT NULL DEFAULT 'open' CHECK (state IN ('open', 'replaying', 'replayed', 'discarded')),
      stream text,
      entry_id text,
      -- The fields as they came, a JSON array of names and values in turn. Text: jsonb takes no NUL, and mail has them. Null where
      -- writing it down ended the process; the stream of dead letters has it then.
      entry text,
      code text NOT NULL,
      detail text NOT NULL,
      attempts integer NOT NULL,
      -- [{attempt, at, code, detail}], over all deliveries.
      history jsonb NOT NULL DEFAULT '[]',
      replays integer NOT NULL DEFAULT 0,
      replay_id uuid,
      replay_requested_at timestamptz,
      replay_entry_id text,
      discard_reason text,
      first_at timestamptz NOT NULL DEFAULT now(),
      last_at timestamptz NOT NULL DEFAULT now(),
      updated_at timestamptz NOT NULL DEFAULT now(),
      PRIMARY KEY (tenant, event_id),
      CHECK (source = 'ingest' OR (stream IS NOT NULL AND entry_id IS NOT NULL)),
      CHECK ((state = 'replaying') <= (replay_id IS NOT NULL))
    );
    CREATE UNIQUE INDEX dead_letters_entry ON dead_letters (tenant, stream, entry_id);
    CREATE INDEX dead_letters_time ON dead_letters (tenant, last_at DESC, event_id DESC);
    CREATE INDEX dead_letters_replaying ON dead_letters (replay_requested_at) WHERE state = 'replaying';
    CREATE INDEX dead_letters_alert ON dead_letters (last_at) WHERE state <> 'discarded';
    ${distribute('dead_letters')}
    ${tenantTable('dead_letters')}

    -- What cannot be told whose it is. Only an operator hears of it, without its content.
    CREATE TABLE stray_dead_letters (
      stream text NOT NULL,
      entry_id text NOT NULL,
      entry text NOT NULL,
      code text NOT NULL,
      detail text NOT NULL,
      at timestamptz NOT NULL DEFAULT now(),
      PRIMARY KEY (stream, entry_id)
    );
    GRANT INSERT ON stray_dead_letters TO ${DAEMON_ROLE};
    GRANT SELECT (stream, entry_id, code, detail, at) ON stray_dead_letters TO ${DAEMON_ROLE};

    -- Over all tenants: what there is to replay or to tell, without content.
    CREATE POLICY discovery ON dead_letters FOR SELECT TO ${DAEMON_ROLE} USING (true);
    GRANT SELECT (tenant, event_id, source, state, code, last_at, replay_id, replay_requested_at) ON dead_letters TO ${DAEMON_ROLE};
    CREATE POLICY dead_letters ON inbound_messages FOR SELECT TO ${DAEMON_ROLE} USING (status = 'dead_letter');
    GRANT SELECT (tenant, event_id, status, reason, updated_at) ON inbound_messages TO ${DAEMON_ROLE};
    CREATE INDEX inbound_messages_dead_letters ON inbound_messages (updated_at) WHERE status = 'dead_letter';

    -- Up to when people were told, and who is telling them now.
    CREATE TABLE alert_marks (
      name text PRIMARY KEY,
      told_until timestamptz NOT NULL DEFAULT now(),
      claimed_until timestamptz NOT NULL DEFAULT now()
    );
    INSERT INTO alert_marks (name) VALUES ('dead_letters');
    GRANT SELECT, UPDATE ON alert_marks TO ${DAEMON_ROLE};
  `);
}
