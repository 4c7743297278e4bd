/**
 * One provider's logins. A wrong password must cost one login, not one per folder: until a login has succeeded they go one
 * after the other, and a refusal answers those that wait behind it. Mail servers lock accounts that hammer.
 */
import { toFault } from '@mailstream/shared/errors/fault-error';
import type { Clock } from '@mailstream/shared/domain/time';

/** How long a refusal also answers other folders of the provider, milliseconds; well below the first recheck. */
const REFUSAL_ANSWERS_MS = 60_000;

export class LoginGate {
  readonly #clock: Clock;
  #isOpen = false;
  #refusal: { readonly error: unknown; readonly atMs: number } | null = null;
  #tail: Promise<unknown> = Promise.resolve();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Settings or secrets changed: whatever was known of the login is void. */
  reset(): void {
    this.#isOpen = false;
    this.#refusal = null;
  }

  /** @throws what `connect` throws, or the refusal that another folder just got. */
  async pass<T>(connect: () => Promise<T>): Promise<T> {
    if (this.#isOpen) return this.#attempt(connect);
    const turn = this.#tail.then(() => this.#inTurn(connect));
    this.#tail = turn.catch(() => undefined);
    return turn;
  }

  #inTurn<T>(connect: () => Promise<T>): Promise<T> {
    const refusal = this.#refusal;
    if (refusal !== null && this.#clock.monotonicMs() - refusal.atMs < REFUSAL_ANSWERS_MS)
      throw refusal.error;
    return this.#attempt(connect);
  }

  async #attempt<T>(connect: () => Promise<T>): Promise<T> {
    try {
      const session = await connect();
      this.#isOpen = true;
      this.#refusal = null;
      return session;
    } catch (error) {
      if (toFault(error).kind === 'auth') {
        this.#isOpen = false;
        this.#refusal = { error, atMs: this.#clock.monotonicMs() };
      }
      throw error;
    }
  }
}
