import { describe, expect, it, onTestFinished, vi } from 'vitest';
import type { Storage } from '@mailstream/shared/storage/storage';
import { watchStorage } from './mail-storage-watch.ts';

/** A storage that answers when told to. */
function slowStorage(): { storage: Storage; answer: () => void } {
  let answer = (): void => undefined;
  const done = new Promise<void>((resolve) => {
    answer = resolve;
  });
  const storage: Storage = {
    put: async () => await done,
    putAll: async () => await done,
    barrier: async () => await done,
    read: async () => await Promise.reject(new Error('not asked for')),
    exists: async () => await Promise.resolve(false),
    check: async () => await done,
    space: () => Promise.resolve(null),
    close: async () => await Promise.resolve(),
  };
  return { storage, answer };
}

describe('watchStorage', () => {
  it('tells when patience ends while a call is pending', async () => {
    const { storage, answer } = slowStorage();
    const watched = watchStorage(storage);
    const put = watched.put('key', Buffer.alloc(0));
    await new Promise<void>((resolve) => {
      watched.onPatienceLost(1, resolve);
    });
    answer();
    await put;
    watched.stopWatching();
  });

  it('says nothing when no call is pending: then the message is to blame', async () => {
    const { storage, answer } = slowStorage();
    const watched = watchStorage(storage);
    answer();
    await watched.put('key', Buffer.alloc(0));
    vi.useFakeTimers();
    onTestFinished(() => void vi.useRealTimers());
    let isLost = false;
    watched.onPatienceLost(5, () => {
      isLost = true;
    });
    expect(vi.getTimerCount()).toBe(1);
    vi.advanceTimersByTime(5);
    expect(vi.getTimerCount()).toBe(0);
    expect(isLost).toBe(false);
    watched.stopWatching();
  });
});
