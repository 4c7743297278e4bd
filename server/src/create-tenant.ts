/**
 * `node server/dist/main.js create-tenant <name> <e-mail>`: the way in of whoever installs Mailstream, when nobody can be logged in yet. Makes
 * a tenant and its operator, and prints the link with which that person sets a password.
 */
import { ConfigError, EXIT_CONFIG } from '@mailstream/shared/runtime/env';
import { describeError } from '@mailstream/shared/runtime/error-fields';
import type { Config } from './config.ts';
import { newTenantBodySchema } from './contracts/tenants.ts';
import type { TenantUseCases } from './use-cases/tenants.ts';

export interface TenantTools {
  readonly useCases: Pick<TenantUseCases, 'create'>;
  close(): Promise<void>;
}

const USAGE = 'usage: create-tenant <name of the tenant> <e-mail of its operator>';
/** Of sysexits.h. */
const EXIT_USAGE = 64;

/** @returns the exit code: 0, 1 when it failed, 64 for wrong arguments, 78 for wrong settings */
export async function createTenant(
  args: readonly string[],
  parts: {
    readonly config: () => Promise<Config>;
    readonly compose: (config: Config) => Promise<TenantTools>;
    readonly say: (line: string) => void;
    /** What went wrong. */
    readonly complain: (line: string) => void;
  },
): Promise<number> {
  const [command, name, email] = args;
  const body = newTenantBodySchema.safeParse({ name, administrator: { email, displayName: email } });
  if (command !== 'create-tenant' || args.length !== 3 || !body.success) {
    parts.complain(USAGE);
    return EXIT_USAGE;
  }
  try {
    const config = await parts.config();
    const tools = await parts.compose(config);
    try {
      const { tenant, user, link } = await tools.useCases.create(null, body.data, 'operator');
      const origin = config.publicOrigin ?? `http://localhost:${config.port}`;
      parts.say(`Tenant ${tenant.name} (${tenant.id}) is made, with ${user.email} as its operator.`);
      parts.say(`To set the password, once, until ${link.expiresAt}: ${origin}/password#${link.token}`);
      return 0;
    } finally {
      await tools.close();
    }
  } catch (error) {
    parts.complain(error instanceof ConfigError ? error.message : JSON.stringify(describeError(error)));
    return error instanceof ConfigError ? EXIT_CONFIG : 1;
  }
}
