/** Tells whether a task is waiting for the storage, so that a slow storage is not taken for a message that hangs its parser. */
import type { Storage } from '@mailstream/shared/storage/storage';

export interface WatchedStorage extends Storage {
  /** Calls back once after `ms`, but only when a call to the storage is pending then. Needs a live event loop: that is the point. */
  onPatienceLost(ms: number, action: () => void): void;
  stopWatching(): void;
  /** From the beginning of the first `put` to the end of the last so far, milliseconds since 1970; null before any. */
  readonly putTimes: { readonly startMs: number; readonly endMs: number } | null;
}

export function watchStorage(storage: Storage): WatchedStorage {
  let pending = 0;
  let timer: NodeJS.Timeout | null = null;
  let putTimes: WatchedStorage['putTimes'] = null;

  async function counted<T>(work: Promise<T>): Promise<T> {
    pending++;
    try {
      return await work;
    } finally {
      pending--;
    }
  }

  return {
    get putTimes() {
      return putTimes;
    },
    put: async (key, source) => {
      const startMs = putTimes?.startMs ?? performance.timeOrigin + performance.now();
      await counted(storage.put(key, source));
      putTimes = { startMs, endMs: performance.timeOrigin + performance.now() };
    },
    putAll: async (objects) => {
      const startMs = putTimes?.startMs ?? performance.timeOrigin + performance.now();
      await counted(storage.putAll(objects));
      putTimes = { startMs, endMs: performance.timeOrigin + performance.now() };
    },
    barrier: async () => await counted(storage.barrier()),
    read: async (key) => await counted(storage.read(key)),
    exists: async (key) => await counted(storage.exists(key)),
    check: async () => await counted(storage.check()),
    space: async () => await counted(storage.space()),
    close: async () => await storage.close(),
    onPatienceLost(ms, action) {
      timer = setTimeout(() => {
        if (pending > 0) action();
      }, ms);
    },
    stopWatching() {
      if (timer !== null) clearTimeout(timer);
    },
  };
}
