/** The ledger of messages, attempts in flight, and the worker's gate. Not breaking: first schema. */
import type { Knex } from 'knex';
import { distribute, tenantTable } from './sql.ts';

export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    CREATE TABLE inbound_messages (
      tenant uuid NOT NULL,
      provider_id uuid NOT NULL,
      folder text NOT NULL,
      uid_validity bigint NOT NULL,
      uid bigint NOT NULL,
      publish_seq bigint NOT NULL,
      event_id uuid NOT NULL,
      message_id text,
      -- Hex SHA-256 of the raw bytes; null where they could not be read.
      content_hash text,
      size bigint NOT NULL,
      internal_date timestamptz,
      -- EMAILID (RFC 8474) or X-GM-MSGID where the server offers one: the same over copies and rebuilds.
      email_id text,
      sender text,
      subject text,
      status text NOT NULL CHECK (status IN ('received', 'published', 'processed', 'skipped', 'dead_letter')),
      reason text,
      attempts integer NOT NULL DEFAULT 0,
      storage_key text,
      stream_entry_id text,
      received_at timestamptz NOT NULL DEFAULT now(),
      published_at timestamptz,
      processed_at timestamptz,
      updated_at timestamptz NOT NULL DEFAULT now(),
      PRIMARY KEY (tenant, provider_id, folder, uid_validity, uid),
      FOREIGN KEY (tenant, provider_id) REFERENCES email_providers (tenant, id) ON DELETE CASCADE
    );
    CREATE UNIQUE INDEX inbound_messages_event ON inbound_messages (tenant, event_id);
    CREATE INDEX inbound_messages_unpublished ON inbound_messages (tenant, provider_id, folder, publish_seq) WHERE status = 'received';
    CREATE INDEX inbound_messages_unprocessed ON inbound_messages (tenant, provider_id, folder, publish_seq) WHERE status = 'published';
    CREATE INDEX inbound_messages_message_id ON inbound_messages (tenant, message_id);
    CREATE INDEX inbound_messages_content ON inbound_messages (tenant, provider_id, folder, content_hash);
    CREATE INDEX inbound_messages_status ON inbound_messages (tenant, status, received_at DESC);
    CREATE INDEX inbound_messages_time ON inbound_messages (tenant, received_at DESC);
    ${distribute('inbound_messages')}
    ${tenantTable('inbound_messages')}

    -- Counted before a message is parsed, removed with the ledger row's commit: what is left here killed something.
    CREATE TABLE ingest_attempts (
      tenant uuid NOT NULL,
      provider_id uuid NOT NULL,
      folder text NOT NULL,
      uid_validity bigint NOT NULL,
      uid bigint NOT NULL,
      attempts integer NOT NULL,
      -- Those of them of which we saw that the message ended its parser; the others ended with their process.
      kills integer NOT NULL DEFAULT 0,
      updated_at timestamptz NOT NULL DEFAULT now(),
      PRIMARY KEY (tenant, provider_id, folder, uid_validity, uid),
      FOREIGN KEY (tenant, provider_id) REFERENCES email_providers (tenant, id) ON DELETE CASCADE
    );
    ${distribute('ingest_attempts')}
    ${tenantTable('ingest_attempts')}

    -- The gate: written in the transaction of the effect, so that an event has one effect however often it is delivered.
    CREATE TABLE email_processed_messages (
      tenant uuid NOT NULL REFERENCES tenants ON DELETE CASCADE,
      event_id uuid NOT NULL,
      provider_id uuid NOT NULL,
      message_id text,
      outcome text NOT NULL,
      ticket_id uuid,
      comment_id uuid,
      processed_at timestamptz NOT NULL DEFAULT now(),
      PRIMARY KEY (tenant, event_id)
    );
    ${distribute('email_processed_messages')}
    ${tenantTable('email_processed_messages')}
  `);
}
