/** How a token comes about: given, or for a role of AppRole or Kubernetes. */
import { open } from 'node:fs/promises';
import { SecretValue } from '@mailstream/shared/secrets/secret-value';
import { z } from 'zod';
import { denied, faultOf, refused, type VaultAnswer } from './vault-faults.ts';
import type { SendToVault } from './vault-http.ts';
import type { SecretInput, VaultLogin } from './vault-settings.ts';

export interface VaultToken {
  readonly value: SecretValue;
  /** Milliseconds from now; null for a token that does not end. */
  readonly lifetimeMs: number | null;
  readonly isRenewable: boolean;
}

const MAX_FILE_BYTES = 64 * 1024;
const auth = z.object({
  auth: z.object({ client_token: z.string().min(1), lease_duration: z.number(), renewable: z.boolean() }),
});
const lookup = z.object({ data: z.object({ ttl: z.number(), renewable: z.boolean().default(false) }) });

/** @throws FaultError VAULT_DENIED where the login is refused or its file cannot be read, and others of `vault-faults.ts` */
export async function logIn(send: SendToVault, login: VaultLogin): Promise<VaultToken> {
  switch (login.kind) {
    case 'token':
      return await lookUp(send, await read(login.token, 'VAULT_TOKEN_FILE'));
    case 'approle':
      return await post(send, `auth/${login.mount}/login`, {
        role_id: login.roleId,
        secret_id: (await read(login.secretId, 'VAULT_SECRET_ID_FILE')).reveal(),
      });
    case 'kubernetes':
      return await post(send, `auth/${login.mount}/login`, {
        role: login.role,
        jwt: (await read(login.jwt, 'VAULT_JWT_FILE')).reveal(),
      });
  }
}

/** @throws FaultError VAULT_DENIED for a token that has ended or may not be renewed */
export async function renew(send: SendToVault, token: SecretValue): Promise<VaultToken> {
  const answer = await send({ method: 'POST', path: 'auth/token/renew-self', body: {} }, token);
  return tokenOf('POST auth/token/renew-self', answer);
}

/** A token that was given says nothing of its end. */
async function lookUp(send: SendToVault, value: SecretValue): Promise<VaultToken> {
  const path = 'auth/token/lookup-self';
  const answer = await send({ method: 'GET', path }, value);
  if (answer.status !== 200) throw faultOf(`GET ${path}`, answer);
  const parsed = lookup.safeParse(answer.body);
  if (!parsed.success) throw refused(`GET ${path} was answered in an unknown form`);
  const { ttl, renewable } = parsed.data.data;
  return { value, lifetimeMs: ttl === 0 ? null : ttl * 1000, isRenewable: renewable };
}

async function post(send: SendToVault, path: string, body: unknown): Promise<VaultToken> {
  const answer = await send({ method: 'POST', path, body }, null);
  // Wrong role, secret id or service account: 400 with AppRole, 403 with Kubernetes, and in new versions the same for both.
  if (answer.status === 400) throw denied(`POST ${path} was answered with 400`);
  return tokenOf(`POST ${path}`, answer);
}

function tokenOf(what: string, answer: VaultAnswer): VaultToken {
  if (answer.status !== 200) throw faultOf(what, answer);
  const parsed = auth.safeParse(answer.body);
  if (!parsed.success) throw refused(`${what} was answered in an unknown form`);
  const { client_token: token, lease_duration: seconds, renewable } = parsed.data.auth;
  return {
    value: new SecretValue(token),
    lifetimeMs: seconds === 0 ? null : seconds * 1000,
    isRenewable: renewable,
  };
}

async function read(input: SecretInput, variable: string): Promise<SecretValue> {
  if (input.kind === 'value') return input.value;
  const text = await readFile(input.path).catch((error: unknown) => {
    const code = (error as NodeJS.ErrnoException).code ?? 'error';
    throw denied(`the file that ${variable} names cannot be read (${code})`);
  });
  if (text === '') throw denied(`the file that ${variable} names is empty`);
  return new SecretValue(text);
}

async function readFile(path: string): Promise<string> {
  const file = await open(path, 'r');
  try {
    const { bytesRead, buffer } = await file.read(Buffer.alloc(MAX_FILE_BYTES), 0, MAX_FILE_BYTES, 0);
    return buffer.toString('utf8', 0, bytesRead).trim();
  } finally {
    await file.close();
  }
}
