/** A migrated cluster, made once; each schedule starts with a copy. */
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import pg from 'pg';
import { migrate } from '@mailstream/migrations/migrate';
import { createLogin } from '@mailstream/shared/local-stack/login-role';
import { watchOwnership } from './ownership-trigger.ts';
import { ownPostgres } from './servers.ts';

export interface Template {
  readonly dataDir: string;
  readonly database: string;
  readonly password: string;
  readonly login: { readonly user: string; readonly password: string };
}

export async function makeTemplate(folder: string): Promise<Template> {
  const password = randomBytes(12).toString('hex');
  const database = 'mailstream';
  const login = { user: 'mailstream', password };
  const postgres = await ownPostgres({
    folder,
    logFile: join(folder, 'template.log'),
    password,
    template: null,
  });
  try {
    const client = new pg.Client({ connectionString: postgres.server.adminUrl });
    await client.connect();
    await client.query(`CREATE DATABASE ${database}`).finally(() => client.end());
    await migrate(postgres.server.urlOf(database));
    await createLogin(postgres.server.urlOf(database), login);
    const owner = new pg.Client({ connectionString: postgres.server.urlOf(database) });
    await owner.connect();
    await watchOwnership(owner).finally(() => owner.end());
  } finally {
    await postgres.stop();
  }
  return { dataDir: join(folder, 'pg'), database, password, login };
}
