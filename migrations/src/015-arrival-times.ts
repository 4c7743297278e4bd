/** When mail arrived at its server, for charts of how long it takes to get here. Not breaking: nobody else reads it. */
import type { Knex } from 'knex';
import { DAEMON_ROLE } from './sql.ts';

export async function up(knex: Knex): Promise<void> {
  // Times and which mailbox, as in 012; nothing of what.
  await knex.raw(`GRANT SELECT (provider_id, internal_date) ON inbound_messages TO ${DAEMON_ROLE}`);
}
