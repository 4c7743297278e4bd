/** Who refers to what is in the storage, and how far the look at it is. Not breaking: indexes, a column, rights of the daemon's role. */
import type { Knex } from 'knex';
import { DAEMON_ROLE } from './sql.ts';

export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    -- Hash: looked for by equality alone, and a key is 110 bytes long.
    CREATE INDEX inbound_messages_storage ON inbound_messages USING hash (storage_key);
    CREATE INDEX ticket_attachments_storage ON ticket_attachments USING hash (storage_key);
    CREATE INDEX ticket_comments_raw ON ticket_comments USING hash (raw_storage_key) WHERE raw_storage_key IS NOT NULL;
    CREATE INDEX ticket_comments_text ON ticket_comments USING hash (text_storage_key) WHERE text_storage_key IS NOT NULL;
    CREATE INDEX ticket_comments_html ON ticket_comments USING hash (html_storage_key) WHERE html_storage_key IS NOT NULL;
    CREATE INDEX outbound_messages_attachments ON outbound_messages (tenant) WHERE attachments <> '[]';

    -- Where a job that does its work in portions goes on; null begins anew.
    ALTER TABLE jobs ADD COLUMN position text;

    CREATE POLICY discovery ON tenants FOR SELECT TO ${DAEMON_ROLE} USING (true);
    GRANT SELECT (tenant) ON tenants TO ${DAEMON_ROLE};
  `);
}
