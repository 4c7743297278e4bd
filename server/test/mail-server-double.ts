import type { ImapProvider } from '@mailstream/shared/domain/provider';
import { FaultError } from '@mailstream/shared/errors/fault-error';
import type { TestResult } from '../src/contracts/provider-test.ts';
import type { MailServer, ProbeCredentials } from '../src/ports/mail-server.ts';

/** Knows three kinds of host by their name, and remembers with which credentials it was tried. */
export class MailServerDouble implements MailServer {
  readonly probed: { readonly provider: ImapProvider; readonly credentials: ProbeCredentials }[] = [];
  result: TestResult = {
    ok: true,
    steps: [
      { name: 'dns', outcome: 'ok', code: null, message: 'Found.', hint: null, detail: null, durationMs: 1 },
    ],
    folders: [{ name: 'INBOX', delimiter: '/', specialUse: null, isSelectable: true, messages: 3 }],
    foldersCut: false,
    missingFolders: [],
    certificate: null,
    canIdle: true,
  };

  vet(host: string): Promise<{ readonly allowsPlainText: boolean }> {
    if (host.startsWith('internal.'))
      return Promise.reject(
        new FaultError({ kind: 'misconfigured', code: 'EGRESS_FORBIDDEN', detail: 'not a public address' }),
      );
    if (host.startsWith('unknown.'))
      return Promise.reject(
        new FaultError({ kind: 'transient', code: 'IMAP_DNS_NOT_FOUND', detail: 'no such name' }),
      );
    return Promise.resolve({ allowsPlainText: host.startsWith('lan.') });
  }

  vetUrl(url: string): Promise<void> {
    return this.vet(new URL(url).hostname).then(() => undefined);
  }

  probe(provider: ImapProvider, credentials: ProbeCredentials): Promise<TestResult> {
    this.probed.push({ provider, credentials });
    return Promise.resolve(this.result);
  }
}
