/**
 * Requests to Vault with a token that is valid.
 *
 * A token is got at the first request and renewed when two thirds of its life are over. One that cannot be renewed any more (its
 * max_ttl) or that Vault does not know any more (403) is replaced by a new login, and the request is made once more: a second 403
 * is the policy's. All requests that need a login at the same moment share one.
 */
import type { Clock } from '@mailstream/shared/domain/time';
import { toFault } from '@mailstream/shared/errors/fault-error';
import { createService, type Service } from '@mailstream/shared/runtime/lifecycle';
import type { VaultAnswer } from './vault-faults.ts';
import type { SendToVault, VaultRequest } from './vault-http.ts';
import { logIn, renew, type VaultToken } from './vault-login.ts';
import type { VaultLogin } from './vault-settings.ts';

export interface VaultSession extends Service {
  /** @throws FaultError of `vault-faults.ts`; a 403 that stays is an answer */
  send(request: VaultRequest): Promise<VaultAnswer>;
}

interface Held {
  readonly token: VaultToken;
  /** Monotonic milliseconds; Infinity for a token that does not end. */
  readonly endsMs: number;
  readonly renewMs: number;
  /** Of the login that it comes from: a renewal that gets much less is near its end. */
  readonly fullMs: number;
}

/** Of a token's life after which it is renewed. */
const RENEW_AT = 2 / 3;
/** A request may take as long until Vault sees its token. */
const MARGIN_MS = 2_000;
/** A renewal that failed is tried again within this time, or sooner where the token ends. */
const RETRY_MS = 10_000;

export function createVaultSession(send: SendToVault, login: VaultLogin, clock: Clock): VaultSession {
  let held: Held | null = null;
  let loggingIn: Promise<Held> | null = null;
  let cancelRenewal: (() => void) | null = null;
  let renewing: Promise<void> = Promise.resolve();
  let isRunning = false;

  function hold(token: VaultToken, fullMs: number): Held {
    const now = clock.monotonicMs();
    const lifetimeMs = token.lifetimeMs ?? Infinity;
    held = {
      ...{ token, fullMs, endsMs: now + lifetimeMs },
      renewMs: now + lifetimeMs * RENEW_AT,
    };
    if (Number.isFinite(lifetimeMs)) armRenewal(lifetimeMs * RENEW_AT);
    return held;
  }

  function newLogin(): Promise<Held> {
    loggingIn ??= logIn(send, login)
      .then((token) => hold(token, token.lifetimeMs ?? Infinity))
      .finally(() => {
        loggingIn = null;
      });
    return loggingIn;
  }

  async function valid(): Promise<Held> {
    const margin = Math.min(MARGIN_MS, (held?.fullMs ?? 0) / 10);
    return held !== null && clock.monotonicMs() < held.endsMs - margin ? held : await newLogin();
  }

  function armRenewal(afterMs: number): void {
    cancelRenewal?.();
    cancelRenewal = null;
    if (!isRunning) return;
    cancelRenewal = clock.schedule(afterMs, () => {
      renewing = keepAlive();
    });
  }

  async function keepAlive(): Promise<void> {
    const now = held;
    if (now === null) return;
    try {
      const renewed = now.token.isRenewable ? await renew(send, now.token.value) : null;
      const isEnding = renewed !== null && (renewed.lifetimeMs ?? Infinity) < now.fullMs / 2;
      // A token that was given cannot be replaced: the rest of its life is used.
      if (renewed !== null && (!isEnding || login.kind === 'token')) hold(renewed, now.fullMs);
      else if (login.kind !== 'token') await newLogin();
    } catch (error) {
      if (toFault(error).code === 'VAULT_DENIED' && login.kind !== 'token') forget(now);
      else if (held === now)
        armRenewal(Math.min(RETRY_MS, Math.max(500, (now.endsMs - clock.monotonicMs()) / 3)));
    }
  }

  function forget(which: Held): void {
    if (held !== which) return;
    held = null;
    cancelRenewal?.();
    cancelRenewal = null;
  }

  return {
    async send(request) {
      const first = await valid();
      const answer = await send(request, first.token.value);
      if (answer.status !== 403) return answer;
      // The token may have been revoked, or have ended with a Vault that was restored. One that somebody replaced meanwhile is new.
      forget(first);
      const second = await valid();
      return second.token.value.equals(first.token.value) ? answer : await send(request, second.token.value);
    },
    ...createService('vault session', {
      start: () => {
        isRunning = true;
        // Logged in at the first request: a Vault that is away keeps nobody from starting.
        if (held !== null && Number.isFinite(held.renewMs)) armRenewal(held.renewMs - clock.monotonicMs());
        return Promise.resolve();
      },
      stop: async () => {
        isRunning = false;
        cancelRenewal?.();
        cancelRenewal = null;
        await renewing;
        await loggingIn?.catch(() => undefined);
      },
    }),
  };
}
