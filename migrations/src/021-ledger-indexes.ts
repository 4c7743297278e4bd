/**
 * Two indexes of the ledger in less room. Not breaking: each is made again by its name.
 *
 * A row is written three times (received, published, processed), and each time into every index, because its status is in some of them.
 * So a wide index of random keys costs most: each entry is on a page of its own, and a million of them are more pages than PostgreSQL
 * keeps in memory (issue 7).
 * - The hash of a content is looked for by equality alone, which needs four bytes of it in place of 130. That the tenant is not among
 *   them costs nobody anything: no two mailboxes are sent the same bytes. Message-IDs a tenant can choose, so their index keeps it.
 * - Nearly all is processed, and by that status nobody finds anything sooner than by its time.
 */
import type { Knex } from 'knex';

export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    DROP INDEX inbound_messages_content;
    CREATE INDEX inbound_messages_content ON inbound_messages USING hash (content_hash);
    DROP INDEX inbound_messages_status;
    CREATE INDEX inbound_messages_status ON inbound_messages (tenant, status, received_at DESC) WHERE status <> 'processed';
  `);
}
