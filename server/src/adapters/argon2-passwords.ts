/** Passwords of people, hashed with Argon2id. The work happens in the library's thread pool, not in the event loop. */
import { hash, verify } from '@node-rs/argon2';
import type { PasswordHasher } from '../ports.ts';

/** OWASP Password Storage: Argon2id with 19 MiB, two passes, one lane. */
const SETTINGS = { memoryCost: 19456, timeCost: 2, parallelism: 1 } as const;

export function createPasswordHasher(): PasswordHasher {
  // Of nothing anybody knows: verifying against it takes as long as against a real one.
  const decoy = hash(crypto.randomUUID(), SETTINGS);
  // Whoever awaits it first gets the failure; before that it must not count as unhandled.
  decoy.catch(() => undefined);
  return {
    hash: (password) => hash(password, SETTINGS),
    async verify(stored, password) {
      const isRight = await verify(stored ?? (await decoy), password).catch(() => false);
      return stored !== null && isRight;
    },
  };
}
