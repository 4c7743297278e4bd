/** Tickets by client: to list those of one, and to see at once whether one has any. Not breaking: an index only. */
import type { Knex } from 'knex';

export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    CREATE INDEX tickets_client ON tickets (tenant, client_id, created_at DESC, id DESC) WHERE client_id IS NOT NULL;
  `);
}
