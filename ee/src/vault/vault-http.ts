/**
 * One exchange with Vault: through the egress guard, with a deadline, a bounded answer, a few tries, and not too many at once.
 * Any request may be made twice: a write with check-and-set fails the second time, a second login is one token more.
 */
import { backoffMs, type Clock } from '@mailstream/shared/domain/time';
import { toFault } from '@mailstream/shared/errors/fault-error';
import { createEgressGuard, type Resolver } from '@mailstream/shared/net/egress-guard';
import { pause } from '@mailstream/shared/runtime/system-clock';
import type { SecretValue } from '@mailstream/shared/secrets/secret-value';
import { Turns } from './turns.ts';
import { faultOfExchange, passesSoon, refused, type VaultAnswer } from './vault-faults.ts';
import type { VaultSettings } from './vault-settings.ts';

export interface VaultRequest {
  readonly method: 'GET' | 'POST' | 'DELETE';
  /** Below `/v1/`, e.g. `secret/data/mailstream/<tenant>/<name>`; nothing in it needs escaping. */
  readonly path: string;
  readonly query?: Readonly<Record<string, string>>;
  readonly body?: unknown;
  readonly maxBytes?: number;
}

/** @returns any answer, also of 403 and 404. @throws FaultError of `vault-faults.ts` where there is none */
export type SendToVault = (request: VaultRequest, token: SecretValue | null) => Promise<VaultAnswer>;

/** A secret with its metadata is a few hundred bytes. */
const MAX_BYTES = 64 * 1024;
/** A restart of a process with thousands of mailboxes must not be a flood. */
const MOST_AT_ONCE = 16;
const TRIES = 3;
const BACKOFF = { baseMs: 100, capMs: 1_000, jitter: 0.5 };

export function createVaultHttp(
  settings: Pick<VaultSettings, 'address' | 'namespace' | 'ca' | 'allowCidrs' | 'timeoutMs'>,
  deps: { readonly clock: Clock; readonly resolver?: Resolver },
): SendToVault {
  const { address, namespace, timeoutMs } = settings;
  const port = Number(address.port === '' ? (address.protocol === 'https:' ? 443 : 80) : address.port);
  const guard = createEgressGuard({
    allowCidrs: settings.allowCidrs,
    allowPorts: [port],
    ...(settings.ca === null ? {} : { ca: settings.ca }),
    ...(deps.resolver === undefined ? {} : { resolver: deps.resolver }),
  });
  const turns = new Turns(MOST_AT_ONCE);

  async function exchange(request: VaultRequest, token: SecretValue | null): Promise<VaultAnswer> {
    const url = new URL(`/v1/${request.path}`, address);
    for (const [name, value] of Object.entries(request.query ?? {})) url.searchParams.set(name, value);
    const response = await guard.fetch(url, {
      method: request.method,
      headers: {
        'x-vault-request': 'true',
        ...(token === null ? {} : { 'x-vault-token': token.reveal() }),
        ...(namespace === null ? {} : { 'x-vault-namespace': namespace }),
        ...(request.body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      ...(request.body === undefined ? {} : { body: JSON.stringify(request.body) }),
      deadlineMs: timeoutMs,
      maxBytes: request.maxBytes ?? MAX_BYTES,
    });
    return {
      status: response.status,
      body: parse(await response.text(), response.status),
      retryAfterMs: retryAfter(response.headers.get('retry-after')),
    };
  }

  return async (request, token) => {
    const what = `${request.method} ${request.path}`;
    for (let attempt = 1; ; attempt += 1) {
      const isLast = attempt === TRIES;
      try {
        const answer = await turns.run(() => exchange(request, token));
        if (isLast || !passesSoon(answer)) return answer;
      } catch (error) {
        const fault = faultOfExchange(what, error);
        if (isLast || toFault(fault).kind !== 'transient') throw fault;
      }
      await pause(deps.clock, backoffMs(BACKOFF, attempt, Math.random()));
    }
  };
}

/** A proxy in between may answer with HTML: of an error only the status counts then. */
function parse(text: string, status: number): unknown {
  if (text === '') return null;
  try {
    return JSON.parse(text) as unknown;
  } catch {
    if (status < 300) throw refused('what answers at VAULT_ADDR is not Vault: its answer is not JSON');
    return null;
  }
}

function retryAfter(text: string | null): number | null {
  return text !== null && /^\d{1,6}$/.test(text) ? Number(text) * 1000 : null;
}
