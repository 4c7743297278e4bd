/** Keeps what several messages store until all of them are read, to write it together. */
import type { NewObject, Storage } from '@mailstream/shared/storage/storage';

/** What reading a message needs of the storage. */
export type MailStorage = Pick<Storage, 'put' | 'read'>;

export interface PutCollector extends MailStorage {
  /** Writes what was collected; durable after a `barrier`. @throws FaultError of the storage */
  flush(): Promise<void>;
}

/** `put` of bytes resolves at once; streams and reads go through. */
export function collectPuts(storage: Storage): PutCollector {
  const collected = new Map<string, NewObject>();
  return {
    put: async (key, source) => {
      if (source instanceof Uint8Array) collected.set(key, { key, bytes: source });
      else await storage.put(key, source);
    },
    read: async (key) => await storage.read(key),
    flush: async () => await storage.putAll([...collected.values()]),
  };
}
