import { constants } from 'node:fs';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { unreadable } from './secret-box.ts';
import { type SecretRef, storedName } from './secret-ref.ts';
import { SecretValue } from './secret-value.ts';

/**
 * A place where an operator may keep a secret instead of the database (Kubernetes, Vault agent, a hosted vault in `ee/`).
 * The value may be plain or sealed; the store finds out.
 */
export interface SecretSource {
  /** As named in `SECRET_READ_CHAIN`. */
  readonly name: string;
  /** Null where this source has none. Rejects with FaultError `SECRET_UNREADABLE` where it is there and cannot be read. */
  read(ref: SecretRef): Promise<SecretValue | null>;
}

/** A password is short; this bounds what a wrongly mounted file can do to memory. */
const MAX_FILE_BYTES = 64 * 1024;
const PATH_PART = /^[a-z0-9_-]+$/;

/** Reads `imap_password_<providerId>`, or `IMAP_PASSWORD_<PROVIDER_ID>` for shells that know no "-" in names. */
export function createEnvSource(env: Readonly<Record<string, string | undefined>>): SecretSource {
  return {
    name: 'env',
    read(ref) {
      const name = storedName(ref);
      const value = env[name] ?? env[name.toUpperCase().replaceAll('-', '_')];
      return Promise.resolve(value === undefined || value === '' ? null : new SecretValue(value));
    },
  };
}

/**
 * Reads `<root>/<tenant>/<stored name>`, without one trailing line break. Links are followed: Kubernetes mounts secrets
 * as links. Tenant and name cannot leave `root`: the types say so, and it is checked once more.
 */
export function createFilesystemSource(root: string): SecretSource {
  return {
    name: 'filesystem',
    async read(ref) {
      const name = storedName(ref);
      if (!PATH_PART.test(ref.tenant) || !PATH_PART.test(name))
        throw unreadable(ref, 'its name is not a file name');
      const text = await readBounded(join(root, ref.tenant, name), ref);
      const value = text?.replace(/\r?\n$/, '') ?? '';
      return value === '' ? null : new SecretValue(value);
    },
  };
}

async function readBounded(path: string, ref: SecretRef): Promise<string | null> {
  // Not blocking: opening a named pipe would otherwise wait for its writer, and hold a thread of the pool.
  const file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK).catch((error: unknown) => {
    const code = (error as NodeJS.ErrnoException).code ?? 'unknown error';
    if (code === 'ENOENT' || code === 'ENOTDIR') return null;
    throw unreadable(ref, `its file cannot be opened (${code})`);
  });
  if (file === null) return null;
  try {
    const stat = await file.stat();
    if (!stat.isFile()) throw unreadable(ref, 'its path is not a file');
    if (stat.size > MAX_FILE_BYTES) throw unreadable(ref, 'its file is too large');
    return await file.readFile('utf8');
  } finally {
    await file.close();
  }
}

export type SecretChainResult =
  | { readonly kind: 'ok'; readonly sources: readonly SecretSource[] }
  | { readonly kind: 'problem'; readonly text: string };

/**
 * Builds the sources that `SECRET_READ_CHAIN` names, in its order. `filesystem` without `SECRETS_PATH` is left out, because
 * the default chain names it.
 * @param options.others sources of other packages, by name
 */
export function createSecretSources(options: {
  readonly chain: readonly string[];
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly secretsPath: string | null;
  readonly others?: readonly SecretSource[];
}): SecretChainResult {
  const known: readonly SecretSource[] = [
    createEnvSource(options.env),
    ...(options.secretsPath === null ? [] : [createFilesystemSource(options.secretsPath)]),
    ...(options.others ?? []),
  ];
  const sources: SecretSource[] = [];
  for (const name of options.chain) {
    const source = known.find((candidate) => candidate.name === name);
    if (source !== undefined) sources.push(source);
    else if (name !== 'filesystem') {
      const names = ['env', 'filesystem', ...(options.others ?? []).map((other) => other.name)].join(', ');
      return { kind: 'problem', text: `SECRET_READ_CHAIN names "${name}"; known are ${names}` };
    }
  }
  return { kind: 'ok', sources };
}
