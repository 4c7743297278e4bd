/** Settings of `create-tenant`: some of those of the server. The only reader of the environment here. */
import { EnvReader } from '@mailstream/shared/runtime/env';

export interface CreateTenantConfig {
  readonly databaseUrl: string;
  readonly isCitus: boolean;
  /** Where browsers reach the server; null when nobody said. */
  readonly publicUrl: string | null;
}

/** @throws ConfigError with every problem. */
export function readConfig(environment: Readonly<Record<string, string | undefined>>): CreateTenantConfig {
  const env = new EnvReader(environment);
  const databaseUrl = env.url('DATABASE_URL', { protocols: ['postgres', 'postgresql'] });
  const publicUrl =
    env.optionalString('PUBLIC_URL') === undefined
      ? null
      : env.url('PUBLIC_URL', { protocols: ['http', 'https'] });
  const isCitus = env.boolean('DATABASE_IS_CITUS', { default: false });
  env.finish();
  return { databaseUrl, isCitus, publicUrl: publicUrl === null ? null : new URL(publicUrl).origin };
}
