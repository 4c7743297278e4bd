/** The adapters that connect to mail servers and login services, as in compose.ts, allowed to reach this machine. */
import { imapTlsContext } from '@mailstream/shared/imap/imap-client';
import { plaintextPolicy } from '@mailstream/shared/imap/plaintext-policy';
import { createEgressGuard, type Resolver } from '@mailstream/shared/net/egress-guard';
import { createTokenService, type TokenService } from '@mailstream/shared/oauth/token-service';
import { systemClock } from '@mailstream/shared/runtime/system-clock';
import { createMailServer } from '../src/adapters/mail-server.ts';
import { createOAuthClient } from '../src/adapters/oauth-client.ts';
import type { AppPorts } from '../src/app.ts';
import type { HarnessParts } from './harness.ts';

const LOOPBACK = ['127.0.0.0/8'];

export interface RealMailServer extends Pick<AppPorts, 'mailServer' | 'oauthClient'> {
  readonly tokens: TokenService;
}

/** @param options.ca PEM of the login service @param options.allowCidrs loopback unless given */
export function realMailServer(
  parts: HarnessParts,
  options: { readonly ca: string; readonly allowCidrs?: readonly string[]; readonly resolver?: Resolver },
): RealMailServer {
  const guard = createEgressGuard({
    allowCidrs: options.allowCidrs ?? LOOPBACK,
    ca: options.ca,
    ...(options.resolver === undefined ? {} : { resolver: options.resolver }),
  });
  const tokens = createTokenService({ ...parts, guard, clock: systemClock });
  return {
    tokens,
    oauthClient: createOAuthClient({ fetch: guard.fetch, now: () => new Date() }),
    mailServer: createMailServer({
      guard,
      tokens,
      deadlineMs: 20_000,
      imap: {
        plaintext: plaintextPolicy(LOOPBACK),
        clock: systemClock,
        tls: imapTlsContext(),
        settings: {
          connectTimeoutMs: 5_000,
          deadlineMs: 15_000,
          oauthMechanism: 'XOAUTH2',
          keepAlive: false,
        },
      },
    }),
  };
}
