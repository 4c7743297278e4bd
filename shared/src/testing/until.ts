import { setTimeout as delay } from 'node:timers/promises';

/** Looks until it is so. An error is a "not yet". @throws when it is not so after `timeoutMs`. */
export async function until(isSo: () => Promise<boolean>, timeoutMs = 30_000): Promise<void> {
  for (const deadline = Date.now() + timeoutMs; Date.now() < deadline; await delay(20))
    if (await isSo().catch(() => false)) return;
  throw new Error(`it did not come about within ${timeoutMs} ms: ${String(isSo)}`);
}
