/**
 * The KV engine, version 2: versions of a few fields below a path.
 *
 *   <mount>/data/<path>       GET reads (?version=), POST writes with check-and-set
 *   <mount>/metadata/<path>   GET lists a folder (?list=true), DELETE removes all versions
 *   <mount>/destroy/<path>    POST removes the data of versions for good
 *
 * A version that was deleted or destroyed answers 404 with its metadata, a path that never was 404 without.
 */
import type { Clock } from '@mailstream/shared/domain/time';
import { SecretValue } from '@mailstream/shared/secrets/secret-value';
import { z } from 'zod';
import { BoundedCache } from './bounded-cache.ts';
import { conflict, faultOf, isAbsent, isConflict, refused, type VaultAnswer } from './vault-faults.ts';
import type { VaultRequest } from './vault-http.ts';
import type { VaultSettings } from './vault-settings.ts';

export interface KvVersion {
  readonly version: number;
  readonly value: SecretValue;
  /** Of what we wrote; null where somebody else did. */
  readonly writeId: string | null;
}

export interface KvStore {
  /** The newest version, or the one named. Null where it is not there, or was deleted. May be as old as the cache keeps it. */
  read(path: string, version?: number): Promise<KvVersion | null>;
  /** Names in a folder, folders with "/" at their end; empty where there is none. As old as above. */
  names(folder: string): Promise<ReadonlySet<string>>;
  /** Number of the newest version, deleted ones included; 0 where there is none. Never from the cache. */
  newest(path: string): Promise<number>;
  /**
   * @param written.after number of the version that must be the newest
   * @returns number of the new version
   * @throws FaultError VAULT_CONFLICT where it is another one
   */
  write(
    path: string,
    written: { readonly value: SecretValue; readonly writeId: string; readonly after: number },
  ): Promise<number>;
  destroy(path: string, version: number): Promise<void>;
  /** All versions, and that there was something. */
  remove(path: string): Promise<void>;
}

const MOST_CACHED = 10_000;
/** Sixty characters for a name, and a tenant has thousands of mailboxes at most. */
const MAX_LIST_BYTES = 8 * 1024 * 1024;

const readBody = z.object({
  data: z.object({
    data: z.object({ value: z.string(), written_by: z.string().optional(), write_id: z.string().optional() }),
    metadata: z.object({ version: z.number().int() }),
  }),
});
const goneBody = z.object({ data: z.object({ metadata: z.object({ version: z.number().int() }) }) });
const listBody = z.object({ data: z.object({ keys: z.array(z.string()) }) });
const writtenBody = z.object({ data: z.object({ version: z.number().int() }) });

const WRITTEN_BY = 'mailstream';

export function createKvStore(
  session: { send(request: VaultRequest): Promise<VaultAnswer> },
  settings: Pick<VaultSettings, 'kvMount' | 'cacheMs'>,
  clock: Clock,
): KvStore {
  const bounds = { most: MOST_CACHED, lifetimeMs: settings.cacheMs };
  const versions = new BoundedCache<KvVersion | null>(clock, bounds);
  const folders = new BoundedCache<ReadonlySet<string>>(clock, bounds);
  const at = (verb: 'data' | 'metadata' | 'destroy', path: string): string =>
    `${settings.kvMount}/${verb}/${path}`;
  const keyOf = (path: string, version?: number): string => `${path}?${version ?? 'newest'}`;

  async function ask(path: string, version?: number): Promise<KvVersion | null> {
    const query = version === undefined ? {} : { version: String(version) };
    const answer = await session.send({ method: 'GET', path: at('data', path), query });
    if (isAbsent(answer)) return null;
    const { data, metadata } = parsed(readBody, `GET ${at('data', path)}`, answer).data;
    const isOurs = data.written_by === WRITTEN_BY && data.write_id !== undefined;
    const found = {
      version: metadata.version,
      value: new SecretValue(data.value),
      writeId: isOurs ? (data.write_id ?? null) : null,
    };
    if (version === undefined) versions.put(keyOf(path, found.version), found);
    return found;
  }

  const forget = (path: string): void => {
    versions.forget(keyOf(path));
    folders.forget(path.slice(0, path.lastIndexOf('/')));
  };

  return {
    read: (path, version) => versions.get(keyOf(path, version), () => ask(path, version)),
    names: (folder) =>
      folders.get(folder, async () => {
        const path = at('metadata', folder);
        const query = { list: 'true' };
        const answer = await session.send({ method: 'GET', path, query, maxBytes: MAX_LIST_BYTES });
        return new Set(isAbsent(answer) ? [] : parsed(listBody, `LIST ${path}`, answer).data.keys);
      }),
    async newest(path) {
      const answer = await session.send({ method: 'GET', path: at('data', path) });
      if (!isAbsent(answer)) return parsed(readBody, `GET ${at('data', path)}`, answer).data.metadata.version;
      const gone = goneBody.safeParse(answer.body);
      return gone.success ? gone.data.data.metadata.version : 0;
    },
    async write(path, { value, writeId, after }) {
      const data = { value: value.reveal(), written_by: WRITTEN_BY, write_id: writeId };
      const body = { options: { cas: after }, data };
      const answer = await session.send({ method: 'POST', path: at('data', path), body });
      forget(path);
      if (isConflict(answer)) throw conflict(path);
      const { version } = parsed(writtenBody, `POST ${at('data', path)}`, answer).data;
      versions.put(keyOf(path, version), { version, value, writeId });
      return version;
    },
    async destroy(path, version) {
      const body = { versions: [version] };
      const answer = await session.send({ method: 'POST', path: at('destroy', path), body });
      versions.forget(keyOf(path, version));
      forget(path);
      if (answer.status >= 300 && !isAbsent(answer)) throw faultOf(`POST ${at('destroy', path)}`, answer);
    },
    async remove(path) {
      const answer = await session.send({ method: 'DELETE', path: at('metadata', path) });
      forget(path);
      if (answer.status >= 300 && !isAbsent(answer)) throw faultOf(`DELETE ${at('metadata', path)}`, answer);
    },
  };
}

function parsed<Body>(schema: z.ZodType<Body>, what: string, answer: VaultAnswer): Body {
  if (answer.status !== 200) throw faultOf(what, answer);
  const result = schema.safeParse(answer.body);
  if (!result.success)
    throw refused(`${what} was answered in an unknown form: is the KV engine of version 2?`);
  return result.data;
}
