/**
 * Removes what was stored a while ago and will not be read again, so that a flood of 25 GB fits on any disk. Nothing is published
 * anew from storage while it runs, and a file that is written again is simply there again.
 */
import { readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

/** Longer than one message takes from its first byte to the stream. */
const OLD_MS = 60_000;
const EVERY_MS = 5_000;

export function keepSmall(folder: string): { stop(): Promise<void> } {
  const stopping = new AbortController();
  const running = (async () => {
    while (!stopping.signal.aborted) {
      await removeOld(folder, Date.now() - OLD_MS);
      await delay(EVERY_MS, undefined, { signal: stopping.signal }).catch(() => undefined);
    }
  })();
  return {
    stop: async () => {
      stopping.abort();
      await running;
    },
  };
}

/** Files only: their folders may be in use. */
async function removeOld(folder: string, beforeMs: number): Promise<void> {
  const entries = await readdir(folder, { withFileTypes: true, recursive: true });
  for (const entry of entries) {
    if (!entry.isFile()) continue;
    const path = join(entry.parentPath, entry.name);
    const found = await stat(path).catch(() => null);
    if (found !== null && found.mtimeMs < beforeMs) await rm(path, { force: true });
  }
}
