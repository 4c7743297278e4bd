/** Settings of where secrets are, which all processes read in the same way. */
import type { EnvReader } from '../runtime/env.ts';
import { createService, type Service } from '../runtime/lifecycle.ts';
import type { SecretKeeper } from './secret-keeper.ts';
import { createSecretSources, type SecretSource } from './secret-sources.ts';

export interface SecretPlaces {
  /** In order of precedence, before the database. */
  readonly sources: readonly SecretSource[];
  /** Where secrets that people enter are kept; null seals them into the database. */
  readonly keeper: SecretKeeper | null;
  /** What has to run for the two. */
  readonly service: Service;
}

/** One more place for secrets, brought by whoever starts the process: see ee/README.md. */
export interface SecretPlugIn {
  /** As named in `SECRET_READ_CHAIN`, whose default ends with it. */
  readonly name: string;
  /** Reads its own settings and touches nothing else. Null when they have problems, which `env` was told. */
  open(env: EnvReader): {
    readonly source: SecretSource;
    readonly keeper: SecretKeeper | null;
    readonly service: Service;
  } | null;
}

/** Problems are told to `env`. */
export function readSecretPlaces(
  env: EnvReader,
  environment: Readonly<Record<string, string | undefined>>,
  plugIns: readonly SecretPlugIn[] = [],
): SecretPlaces {
  const opened = plugIns.map((plugIn) => ({ name: plugIn.name, parts: plugIn.open(env) }));
  const parts = opened.flatMap((one) => (one.parts === null ? [] : [one.parts]));
  const result = createSecretSources({
    chain: env.list('SECRET_READ_CHAIN', {
      default: ['env', 'filesystem', ...plugIns.map(({ name }) => name)],
    }),
    env: environment,
    secretsPath: env.optionalString('SECRETS_PATH') ?? null,
    // One whose settings are wrong is known all the same: its name is not a second problem.
    others: opened.map((one) => one.parts?.source ?? { name: one.name, read: () => Promise.resolve(null) }),
  });
  if (result.kind === 'problem') env.problem(result.text);
  return {
    sources: result.kind === 'ok' ? result.sources : [],
    keeper: parts.find(({ keeper }) => keeper !== null)?.keeper ?? null,
    service: together(parts.map(({ service }) => service)),
  };
}

function together(services: readonly Service[]): Service {
  return createService('places for secrets', {
    start: async () => {
      for (const service of services) await service.start();
    },
    stop: async () => {
      for (const service of services.toReversed()) await service.stop();
    },
  });
}
