/**
 * POSTs an alert to the operator's URL, through the egress guard.
 *
 * `X-Mailstream-Signature: t=<seconds since 1970>,v1=<hex HMAC-SHA256 of "<t>.<body>">`, so that the receiver can tell that it is ours
 * and not an old one sent again.
 */
import { createHmac } from 'node:crypto';
import type { EgressGuard } from '@mailstream/shared/net/egress-guard';

export class AlertRefusedError extends Error {
  override readonly name = 'AlertRefusedError';
}

/** @throws AlertRefusedError for an answer that is not 2xx, and what the guard throws. */
export type SendAlert = (body: string, signal: AbortSignal) => Promise<void>;

export function createAlertWebhook(options: {
  readonly url: string;
  readonly secret: string;
  readonly guard: EgressGuard;
  readonly now: () => Date;
}): SendAlert {
  const { url, secret, guard, now } = options;
  return async (body, signal) => {
    const seconds = Math.floor(now().getTime() / 1000);
    const mac = createHmac('sha256', secret).update(`${seconds}.${body}`).digest('hex');
    const response = await guard.fetch(url, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'x-mailstream-signature': `t=${seconds},v1=${mac}` },
      body,
      signal,
    });
    if (!response.ok) throw new AlertRefusedError(`status ${response.status}`);
  };
}
