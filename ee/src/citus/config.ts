/** Settings of the program that spreads the tables over Citus. The only reader of the environment here. */
import { EnvReader } from '@mailstream/shared/runtime/env';

/** @returns the URL that migrations use, of a superuser. @throws ConfigError with every problem. */
export function readConfig(environment: Readonly<Record<string, string | undefined>>): {
  readonly databaseUrl: string;
} {
  const env = new EnvReader(environment);
  const isSet = env.optionalString('MIGRATION_DATABASE_URL') !== undefined;
  const databaseUrl = env.url(isSet ? 'MIGRATION_DATABASE_URL' : 'DATABASE_URL', {
    protocols: ['postgres', 'postgresql'],
  });
  env.finish();
  return { databaseUrl };
}
