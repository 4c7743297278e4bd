/**
 * What operators need. Not breaking.
 *
 * - The application may make a tenant: the one that its transaction names, as the policy of the table says. It gives no right over
 *   a tenant that is there. For `npm run -w server create-tenant`, which needs no administrator of the database for this.
 * - Metrics of the whole installation may count mailboxes by the code of what keeps them from working, and nothing else of them.
 */
import type { Knex } from 'knex';
import { APP_ROLE, DAEMON_ROLE } from './sql.ts';

export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    GRANT INSERT ON tenants TO ${APP_ROLE};
    GRANT SELECT (error_code) ON email_providers TO ${DAEMON_ROLE};
  `);
}
