/** Starts and stops a service in every order, as impatient orchestrators and tests do. Anything long-lived should survive it. */
import type { Service } from '../runtime/lifecycle.ts';

/**
 * Calls `start` and `stop` in a fixed random order, many of them while earlier ones are in flight, waits for all and leaves the
 * service stopped. @throws what any call rejects with.
 */
export async function stressService(
  service: Service,
  { rounds = 100, seed = 42 }: { readonly rounds?: number; readonly seed?: number } = {},
): Promise<void> {
  // Lehmer's generator: the sequence is the same in each run, so that a failure comes again.
  let state = seed;
  const random = (): number => (state = (state * 48_271) % 2_147_483_647) / 2_147_483_647;
  const calls: Promise<void>[] = [];
  for (let round = 0; round < rounds; round += 1) {
    calls.push(random() < 0.5 ? service.start() : service.stop());
    if (random() < 0.3) await new Promise<void>((resolve) => setImmediate(resolve));
  }
  await Promise.all(calls);
  await service.stop();
}
