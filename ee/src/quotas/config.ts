/** Settings of the program that sets limits of tenants. The only reader of the environment here. */
import { EnvReader } from '@mailstream/shared/runtime/env';

export interface QuotasConfig {
  readonly databaseUrl: string;
  readonly isCitus: boolean;
}

/** @throws ConfigError with every problem. */
export function readConfig(environment: Readonly<Record<string, string | undefined>>): QuotasConfig {
  const env = new EnvReader(environment);
  const databaseUrl = env.url('DATABASE_URL', { protocols: ['postgres', 'postgresql'] });
  const isCitus = env.boolean('DATABASE_IS_CITUS', { default: false });
  env.finish();
  return { databaseUrl, isCitus };
}
