/** What a domain says about its mail: DNS, and the autoconfig file that it publishes. Files are fetched through the egress guard. */
import { promises as dns } from 'node:dns';
import type { GuardedFetch } from '@mailstream/shared/net/guarded-fetch';
import type { AnnouncedServer, MailDirectory } from '../ports/mail-directory.ts';
import { readAutoconfigXml } from './mail-autoconfig-xml.ts';

export interface DomainResolver {
  resolveMx(domain: string): Promise<readonly { readonly exchange: string; readonly priority: number }[]>;
  resolveSrv(name: string): Promise<
    readonly {
      readonly name: string;
      readonly port: number;
      readonly priority: number;
      readonly weight: number;
    }[]
  >;
}

/** A person waits. */
const DEADLINE_MS = 5_000;
const MAX_FILE_BYTES = 64 * 1024;

export function createMailDirectory(options: {
  readonly fetch: GuardedFetch;
  /** The system's unless given. */
  readonly resolver?: DomainResolver;
  readonly deadlineMs?: number;
}): MailDirectory {
  const deadlineMs = options.deadlineMs ?? DEADLINE_MS;
  const resolver = options.resolver ?? new dns.Resolver({ timeout: deadlineMs, tries: 1 });

  const file = async (url: string, signal: AbortSignal): Promise<readonly AnnouncedServer[]> => {
    const answer = await options.fetch(url, { signal, deadlineMs, maxBytes: MAX_FILE_BYTES });
    return answer.status === 200 ? readAutoconfigXml(await answer.text()) : [];
  };

  return {
    mailExchangers: (domain) =>
      orNothing(deadlineMs, async () =>
        [...(await resolver.resolveMx(domain))]
          .sort((a, b) => a.priority - b.priority)
          .map(({ exchange }) => exchange),
      ),

    imapServices: (domain) =>
      orNothing(deadlineMs, async () => {
        // RFC 6186 section 3.2; of the two, encrypted from the first byte is preferred (RFC 8314 section 3.3).
        const [tls, starttls] = await Promise.all(
          ['_imaps._tcp', '_imap._tcp'].map((service) =>
            resolver.resolveSrv(`${service}.${domain}`).catch(() => []),
          ),
        );
        return [...announced(tls ?? [], 'tls'), ...announced(starttls ?? [], 'starttls')];
      }),

    autoconfig: async (domain, email, signal) => {
      const query = `mail/config-v1.1.xml?emailaddress=${encodeURIComponent(email)}`;
      const urls = [
        `https://autoconfig.${domain}/${query}`,
        `https://${domain}/.well-known/autoconfig/${query}`,
      ];
      const files = await Promise.all(urls.map((url) => orNothing(deadlineMs, () => file(url, signal))));
      return files.flat();
    },
  };
}

function announced(
  records: Awaited<ReturnType<DomainResolver['resolveSrv']>>,
  security: AnnouncedServer['security'],
): readonly AnnouncedServer[] {
  return (
    [...records]
      .sort((a, b) => a.priority - b.priority || b.weight - a.weight)
      .map(({ name, port }) => ({
        host: name.toLowerCase().replace(/\.$/, ''),
        port,
        security,
        username: '%EMAILADDRESS%',
        logins: ['password' as const],
      }))
      // A target of "." says that there is no such service (RFC 2782).
      .filter(({ host }) => host !== '')
  );
}

/** A domain that says nothing, says it too late or wrongly is one without settings: no error for who asks. */
async function orNothing<T>(deadlineMs: number, work: () => Promise<readonly T[]>): Promise<readonly T[]> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<readonly T[]>((resolve) => {
    timer = setTimeout(() => resolve([]), deadlineMs);
    timer.unref();
  });
  try {
    return await Promise.race([work().catch(() => []), late]);
  } finally {
    clearTimeout(timer);
  }
}
