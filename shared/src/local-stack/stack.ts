/** What the parts of a start share. */
import type { Credentials } from './credentials.ts';
import type { ProcessRegistry } from './process-registry.ts';
import type { ServerProcess } from './server-process.ts';
import type { StackFolder } from './stack-folder.ts';
import type { StackPorts } from './stack-ports.ts';
import type { Supervised } from './supervisor.ts';

export interface Stack {
  /** Of the clone. */
  readonly root: string;
  readonly folder: StackFolder;
  readonly credentials: Credentials;
  readonly ports: StackPorts;
  readonly registry: ProcessRegistry;
  /** Stopped after the services. */
  readonly servers: Supervised<ServerProcess>[];
  /** Stopped first. */
  readonly services: Supervised<ServerProcess>[];
  readonly say: (line: string) => void;
}
