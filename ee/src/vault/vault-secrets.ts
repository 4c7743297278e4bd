/**
 * Secrets of mailboxes in Vault, at `<mount>/<prefix>/<tenant>/<name>_<providerId>`, in the field `value`.
 *
 * Two ways in. An operator writes one there by hand: it wins over the database, as with any other source of `SECRET_READ_CHAIN`. Or
 * a person enters one in the UI: it is written there with a mark of ours, and the row in the database says which version counts.
 */
import { randomUUID } from 'node:crypto';
import { toFault } from '@mailstream/shared/errors/fault-error';
import type { SecretKeeper } from '@mailstream/shared/secrets/secret-keeper';
import { type SecretRef, storedName } from '@mailstream/shared/secrets/secret-ref';
import type { SecretSource } from '@mailstream/shared/secrets/secret-sources';
import type { KvStore } from './kv-store.ts';
import { refused, secretMissing } from './vault-faults.ts';

export const VAULT = 'vault';

/** Somebody may write at the same moment; not again and again. */
const WRITES = 3;
const POINTER = /^(\d{1,15})\.([0-9a-f-]{36})$/;
const PART = /^[a-z0-9_-]+$/;

export function createVaultSource(kv: KvStore, prefix: string): SecretSource {
  return {
    name: VAULT,
    async read(ref) {
      const { folder, name, path } = placeOf(prefix, ref);
      if (!(await kv.names(folder)).has(name)) return null;
      const found = await kv.read(path);
      // What we wrote ourselves counts as far as a row says so.
      return found === null || found.writeId !== null ? null : found.value;
    },
  };
}

export function createVaultKeeper(kv: KvStore, prefix: string): SecretKeeper {
  return {
    name: VAULT,
    // A new one comes every hour for each mailbox, and is worth nothing an hour later.
    keeps: (name) => name !== 'imap_access_token',
    async put(ref, value) {
      const { path } = placeOf(prefix, ref);
      const writeId = randomUUID();
      for (let attempt = 1; ; attempt += 1) {
        try {
          const version = await kv.write(path, { value, writeId, after: await kv.newest(path) });
          return `${version}.${writeId}`;
        } catch (error) {
          if (toFault(error).code !== 'VAULT_CONFLICT') throw error;
          // An answer that was lost made us write twice: the first one is there.
          const own = await kv.read(path);
          if (own?.writeId === writeId) return `${own.version}.${writeId}`;
          if (attempt === WRITES) throw error;
        }
      }
    },
    async get(ref, pointer) {
      const { path } = placeOf(prefix, ref);
      const { version, writeId } = parse(pointer, path);
      const found = await kv.read(path, version);
      if (found === null || found.writeId !== writeId) throw secretMissing(path);
      return found.value;
    },
    async destroy(ref, pointer) {
      const { path } = placeOf(prefix, ref);
      const { version, writeId } = parse(pointer, path);
      const found = await kv.read(path, version);
      if (found === null || found.writeId !== writeId) return;
      await kv.destroy(path, version);
    },
  };
}

interface Place {
  readonly folder: string;
  readonly name: string;
  readonly path: string;
}

function placeOf(prefix: string, ref: SecretRef): Place {
  const name = storedName(ref);
  // The types say so; a path is not the place to find out that somebody went around them.
  if (!PART.test(ref.tenant) || !PART.test(name)) throw refused('the name of a secret is not one');
  const folder = `${prefix}/${ref.tenant}`;
  return { folder, name, path: `${folder}/${name}` };
}

function parse(pointer: string, path: string): { readonly version: number; readonly writeId: string } {
  const [, version, writeId] = POINTER.exec(pointer) ?? [];
  if (version === undefined || writeId === undefined) throw secretMissing(path);
  return { version: Number(version), writeId };
}
