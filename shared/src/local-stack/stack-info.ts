/** `.data/stack.json` (DESIGN section 3): how others find the running stack. */
import type { MailEndpoints } from './servers.ts';

export interface StackInfo extends MailEndpoints {
  readonly ui: string;
  readonly api: string;
  readonly emailService: string;
  readonly worker: string;
  /** Superuser, or the URL that was given from outside. */
  readonly databaseUrl: string;
  readonly redisUrl: string;
  readonly stream: string;
  readonly login: { readonly email: string; readonly password: string };
  readonly tenantId: string;
  readonly providerId: string;
  readonly apiToken: string;
  readonly pids: { readonly emailService: number; readonly worker: number; readonly server: number };
  /** Every variable that one more replica of a service needs. */
  readonly env: Readonly<Record<string, string>>;
}
