/** Tenants are added, renamed and closed by the application. Not breaking: a column, and rights of the application's role on its own tenant. */
import type { Knex } from 'knex';
import { APP_ROLE } from './sql.ts';

export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    -- Since when nobody can log in and no mail is fetched. What is there stays.
    ALTER TABLE tenants ADD COLUMN closed_at timestamptz;
    GRANT INSERT, UPDATE (name, closed_at) ON tenants TO ${APP_ROLE};
  `);
}
