/** Vault as a place for secrets, for the three processes: from the settings to what `SecretPlugIn` asks for. */
import type { Clock } from '@mailstream/shared/domain/time';
import type { Resolver } from '@mailstream/shared/net/egress-guard';
import { systemClock } from '@mailstream/shared/runtime/system-clock';
import type { SecretPlugIn } from '@mailstream/shared/secrets/secret-places';
import { createKvStore, type KvStore } from './kv-store.ts';
import { createVaultHttp } from './vault-http.ts';
import { createVaultKeeper, createVaultSource, VAULT } from './vault-secrets.ts';
import { createVaultSession, type VaultSession } from './vault-session.ts';
import { readVaultSettings, type VaultSettings } from './vault-settings.ts';

export interface Vault {
  readonly session: VaultSession;
  readonly kv: KvStore;
}

/** Touches nothing: the first request logs in. */
export function openVault(
  settings: VaultSettings,
  deps: { readonly clock: Clock; readonly resolver?: Resolver } = { clock: systemClock },
): Vault {
  const session = createVaultSession(createVaultHttp(settings, deps), settings.login, deps.clock);
  return { session, kv: createKvStore(session, settings, deps.clock) };
}

export const vaultPlugIn: SecretPlugIn = {
  name: VAULT,
  open(env) {
    const settings = readVaultSettings(env);
    if (settings === null) return null;
    const { session, kv } = openVault(settings);
    return {
      source: createVaultSource(kv, settings.pathPrefix),
      keeper: settings.isWritten ? createVaultKeeper(kv, settings.pathPrefix) : null,
      service: session,
    };
  },
};
