/** Settings of Vault, under the names that Vault's own programs use where there is one. */
import { readFileSync } from 'node:fs';
import { isIP } from 'node:net';
import { parseAllowList } from '@mailstream/shared/net/allow-list';
import { OPERATOR_NETWORKS } from '@mailstream/shared/net/operator-networks';
import type { EnvReader } from '@mailstream/shared/runtime/env';
import { SecretValue } from '@mailstream/shared/secrets/secret-value';

/** A value of the environment, or a file that is read each time: whoever mounts it may change it. */
export type SecretInput =
  { readonly kind: 'value'; readonly value: SecretValue } | { readonly kind: 'file'; readonly path: string };

export type VaultLogin =
  | { readonly kind: 'token'; readonly token: SecretInput }
  | {
      readonly kind: 'approle';
      readonly mount: string;
      readonly roleId: string;
      readonly secretId: SecretInput;
    }
  | { readonly kind: 'kubernetes'; readonly mount: string; readonly role: string; readonly jwt: SecretInput };

export interface VaultSettings {
  /** Scheme, host and port. */
  readonly address: URL;
  readonly namespace: string | null;
  /** PEM of the authorities that may have signed Vault's certificate; null for the usual ones. */
  readonly ca: string | null;
  readonly allowCidrs: readonly string[];
  readonly login: VaultLogin;
  /** Where the KV engine (version 2) is mounted, and the folder of ours in it. */
  readonly kvMount: string;
  readonly pathPrefix: string;
  readonly timeoutMs: number;
  /** How long a secret that was read is used again; 0 asks each time. */
  readonly cacheMs: number;
  /** Secrets that people enter are stored in Vault; false seals them into the database. */
  readonly isWritten: boolean;
}

const PATH = /^[A-Za-z0-9_-][A-Za-z0-9_.-]*(\/[A-Za-z0-9_-][A-Za-z0-9_.-]*)*$/;
const SERVICE_ACCOUNT = '/var/run/secrets/kubernetes.io/serviceaccount/token';

/** Null where something is wrong, which `env` was told. */
export function readVaultSettings(env: EnvReader): VaultSettings | null {
  const address = readAddress(env);
  const login = readLogin(env);
  const ca = readCa(env);
  const settings = {
    namespace: env.optionalString('VAULT_NAMESPACE') ?? null,
    allowCidrs: env.list('VAULT_ALLOW_CIDRS', { default: OPERATOR_NETWORKS }),
    kvMount: readPath(env, 'VAULT_KV_MOUNT', 'secret'),
    pathPrefix: readPath(env, 'VAULT_PATH_PREFIX', 'mailstream'),
    timeoutMs: env.integer('VAULT_TIMEOUT_MS', { default: 5_000, min: 100, max: 60_000 }),
    cacheMs: env.integer('VAULT_CACHE_MS', { default: 60_000, max: 3_600_000 }),
    isWritten: env.boolean('VAULT_WRITE', { default: true }),
  };
  const allowed = parseAllowList(settings.allowCidrs, 'VAULT_ALLOW_CIDRS');
  if (allowed.kind === 'problem') env.problem(allowed.text);
  if (settings.namespace !== null && !PATH.test(settings.namespace.replace(/\/$/, '')))
    env.problem('VAULT_NAMESPACE must be a path like team or team/part');
  if (address === null || login === null || ca === undefined) return null;
  return { address, login, ca, ...settings };
}

function readAddress(env: EnvReader): URL | null {
  const text = env.url('VAULT_ADDR', { protocols: ['https', 'http'] });
  if (!URL.canParse(text)) return null;
  const url = new URL(text);
  if (url.protocol === 'http:' && !isLoopback(url.hostname)) {
    env.problem('VAULT_ADDR must begin with https://, except for an agent on 127.0.0.1 or localhost');
    return null;
  }
  if ((url.pathname !== '/' && url.pathname !== '') || url.search !== '' || url.username !== '') {
    env.problem('VAULT_ADDR must be scheme, host and port only, like https://vault.example:8200');
    return null;
  }
  return url;
}

function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '[::1]' || (isIP(host) === 4 && host.startsWith('127.'));
}

function readPath(env: EnvReader, name: 'VAULT_KV_MOUNT' | 'VAULT_PATH_PREFIX', usual: string): string {
  const path = env.string(name, { default: usual });
  if (!PATH.test(path))
    env.problem(`${name} must be a path like ${usual} or ${usual}/part, without "/" at its ends`);
  return path;
}

/** @returns undefined where the file cannot be read */
function readCa(env: EnvReader): string | null | undefined {
  const path = env.optionalString('VAULT_CACERT');
  if (path === undefined) return null;
  try {
    const text = readFileSync(path, 'utf8');
    if (text.includes('BEGIN CERTIFICATE')) return text;
    env.problem('VAULT_CACERT must name a file with certificates in PEM');
  } catch (error) {
    env.problem(
      `VAULT_CACERT names a file that cannot be read (${(error as NodeJS.ErrnoException).code ?? 'error'})`,
    );
  }
  return undefined;
}

function readLogin(env: EnvReader): VaultLogin | null {
  const kind = env.string('VAULT_AUTH', { default: 'token', oneOf: ['token', 'approle', 'kubernetes'] });
  const mount = env.optionalString('VAULT_AUTH_MOUNT');
  const names = {
    token: readInput(env, 'VAULT_TOKEN', 'VAULT_TOKEN_FILE'),
    secretId: readInput(env, 'VAULT_SECRET_ID', 'VAULT_SECRET_ID_FILE'),
    roleId: env.optionalString('VAULT_ROLE_ID'),
    role: env.optionalString('VAULT_ROLE'),
    jwtFile: env.string('VAULT_JWT_FILE', { default: SERVICE_ACCOUNT }),
  };
  if (mount !== undefined && !PATH.test(mount)) env.problem('VAULT_AUTH_MOUNT must be a path like approle');
  if (kind === 'approle') {
    if (names.roleId === undefined) env.problem('VAULT_ROLE_ID is not set: VAULT_AUTH=approle needs it');
    if (names.secretId === null)
      env.problem('VAULT_SECRET_ID or VAULT_SECRET_ID_FILE is not set: VAULT_AUTH=approle needs one');
    if (names.roleId === undefined || names.secretId === null) return null;
    return { kind, mount: mount ?? 'approle', roleId: names.roleId, secretId: names.secretId };
  }
  if (kind === 'kubernetes') {
    if (names.role === undefined) env.problem('VAULT_ROLE is not set: VAULT_AUTH=kubernetes needs it');
    if (names.role === undefined) return null;
    const jwt = { kind: 'file', path: names.jwtFile } as const;
    return { kind, mount: mount ?? 'kubernetes', role: names.role, jwt };
  }
  if (names.token === null) {
    env.problem('VAULT_TOKEN or VAULT_TOKEN_FILE is not set: VAULT_AUTH=token needs one');
    return null;
  }
  return { kind: 'token', token: names.token };
}

function readInput(env: EnvReader, value: string, file: string): SecretInput | null {
  const text = env.optionalString(value);
  const path = env.optionalString(file);
  if (text !== undefined) return { kind: 'value', value: new SecretValue(text) };
  return path === undefined ? null : { kind: 'file', path };
}
