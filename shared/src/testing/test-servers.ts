/** What the run's shared servers are, as the global set-up tells it to every test file. */
import 'vitest';

export interface TestServers {
  readonly postgres: {
    /** Superuser, database `postgres`. */
    readonly adminUrl: string;
    /** Migrated once; a test file clones it. Nobody may be connected to it. */
    readonly templateDatabase: string;
    /** What the services log in as: no superuser, no owner, member of the three roles. */
    readonly login: { readonly user: string; readonly password: string };
  };
  readonly redis: { readonly url: string };
  readonly dovecot: {
    readonly host: string;
    readonly port: number;
    /** Null where the machine could not make a certificate. */
    readonly imapsPort: number | null;
    readonly lmtpPort: number;
    readonly password: string;
    readonly certificateFile: string | null;
    /** Folder of all mailboxes on disk. */
    readonly mailDir: string;
  };
}

declare module 'vitest' {
  interface ProvidedContext {
    /** JSON of `TestServers`, or what to install when a server is missing. */
    servers: string;
  }
}
