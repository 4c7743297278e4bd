/**
 * The application may make a tenant: the one that its transaction names, as the policy of the table says. It makes no right over a
 * tenant that is there. For `npm run -w server create-tenant`, which needs no administrator of the database for this. Not breaking.
 */
import type { Knex } from 'knex';
import { APP_ROLE } from './sql.ts';

export async function up(knex: Knex): Promise<void> {
  await knex.raw(`GRANT INSERT ON tenants TO ${APP_ROLE};`);
}
