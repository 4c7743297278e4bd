/** Which environment variables a process reads, and what it says of an environment: its own config file is asked. */
import { pathToFileURL } from 'node:url';
import { join } from 'node:path';
import { ConfigError, EnvReader } from '@mailstream/shared/runtime/env';

const ROOT = join(import.meta.dirname, '..', '..');
const CONFIGS: Readonly<Record<string, string>> = {
  'email-service': 'services/email-service/src/config.ts',
  'workflow-worker': 'services/workflow-worker/src/config.ts',
  server: 'server/src/config.ts',
};
const READS = ['string', 'optionalString', 'integer', 'ratio', 'boolean', 'list', 'url'] as const;

type Environment = Readonly<Record<string, string>>;
type ReadConfig = (environment: Environment) => unknown;

export interface Variables {
  readonly asked: ReadonlySet<string>;
  /** As the process would print them before it exits with 78. */
  readonly problems: readonly string[];
}

/** @param name of the process: email-service, workflow-worker or server */
export async function variablesOf(name: string, environment: Environment): Promise<Variables> {
  // By address: no package may know the processes' files, and tests of all three belong to none of them.
  const path = pathToFileURL(join(ROOT, CONFIGS[name] ?? '')).href;
  const module = (await import(path)) as { loadConfig?: ReadConfig; readConfig?: ReadConfig };
  const readConfig = (module.loadConfig ?? module.readConfig) as ReadConfig;
  return askedBy(() => readConfig(environment));
}

/** Which variables `ee/` adds to all of them. */
export async function variablesOfEe(): Promise<ReadonlySet<string>> {
  const path = pathToFileURL(join(ROOT, 'ee/src/vault/vault-plug-in.ts')).href;
  const { vaultPlugIn } = (await import(path)) as { vaultPlugIn: { open(env: EnvReader): unknown } };
  return askedBy(() => vaultPlugIn.open(new EnvReader({}))).asked;
}

function askedBy(read: () => unknown): Variables {
  const asked = new Set<string>();
  const originals = READS.map((kind) => [kind, EnvReader.prototype[kind]] as const);
  const prototype = EnvReader.prototype as unknown as Record<string, unknown>;
  for (const [kind, original] of originals)
    prototype[kind] = function (this: EnvReader, variable: string, options: never): unknown {
      asked.add(variable);
      return (original as (...args: unknown[]) => unknown).call(this, variable, options);
    };
  try {
    read();
    return { asked, problems: [] };
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    return { asked, problems: error.problems };
  } finally {
    for (const [kind, original] of originals) prototype[kind] = original;
  }
}
