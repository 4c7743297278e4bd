/** The composition root of `create-tenant`: the only file here that makes adapters. */
import { createDatabase } from '@mailstream/shared/db/database';
import { systemClock } from '@mailstream/shared/runtime/system-clock';
import { createPasswordHasher } from '../adapters/argon2-passwords.ts';
import { createFirstTenantStore } from '../adapters/pg-first-tenant.ts';
import type { CreateTenantConfig } from './config.ts';
import { createTenant, type Outcome } from './create-tenant.ts';
import type { Options } from './options.ts';
import { readPassword, type Terminal } from './read-password.ts';

/** One for the transaction that makes it all, one to look into other tenants meanwhile. */
const CONNECTIONS = 2;

export async function run(
  config: CreateTenantConfig,
  options: Options,
  terminal: Terminal,
): Promise<Outcome> {
  const database = createDatabase({
    url: config.databaseUrl,
    isCitus: config.isCitus,
    applicationName: 'mailstream-create-tenant',
    poolMax: CONNECTIONS,
  });
  try {
    return await createTenant(options, {
      tenants: createFirstTenantStore(database),
      passwords: createPasswordHasher(),
      publicUrl: config.publicUrl,
      now: () => systemClock.now(),
      readPassword: () => readPassword(terminal),
    });
  } finally {
    await database.close();
  }
}
