/**
 * What the large mail services write as Authentication-Results, by the IMAP host that a mailbox is read from. A provider's own
 * setting comes before this; for other hosts there is no trust without a setting.
 */
import type { TrustedServer } from './authentication.ts';

interface KnownServer extends TrustedServer {
  /** The host itself or anything below it. */
  readonly imapHosts: readonly string[];
}

const KNOWN: readonly KnownServer[] = [
  {
    imapHosts: ['imap.gmail.com', 'imap.googlemail.com'],
    authservIds: ['mx.google.com'],
    writesNoId: false,
    fields: 1,
  },
  {
    imapHosts: ['outlook.office365.com', 'imap-mail.outlook.com', 'outlook.office.com'],
    authservIds: [],
    writesNoId: true,
    fields: 1,
  },
];

export function knownMailServer(imapHost: string): TrustedServer | null {
  const host = imapHost.trim().toLowerCase().replace(/\.$/, '');
  return KNOWN.find(({ imapHosts }) => imapHosts.includes(host)) ?? null;
}
