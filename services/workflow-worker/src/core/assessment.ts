/** What a mail says about itself, judged: who wrote it, and whether a person or a program. Pure. */
import type { EmailData } from '@mailstream/shared/events/email-received-schema';
import { parseAuthenticationResults } from './authentication-results.ts';
import { assessAuthentication, type TrustedServer } from './authentication.ts';
import { classifyMail, mayTriggerAnswer, type MailOrigin } from './automated-mail.ts';
import type { SenderCheck } from './conversation.ts';
import type { Assessment } from './effect.ts';
import { storable } from './incoming-mail.ts';
import { knownMailServer } from './known-mail-servers.ts';

export interface MailboxFacts {
  /** Addresses of the tenant's mailboxes. */
  readonly mailboxes: readonly string[];
  readonly imapHost: string | null;
  readonly defaults: {
    readonly authservIds: readonly string[];
    readonly authservWritesNoId: boolean;
    readonly authservFields: number;
  } | null;
}

export function assess(
  email: EmailData,
  facts: MailboxFacts,
  organisationalDomain: (domain: string) => string | null,
): Assessment {
  const origin = classifyMail(email, { addresses: facts.mailboxes });
  const trusted = trustedServer(facts);
  return {
    check: checkSender(email, trusted, organisationalDomain),
    serverVerifies: trusted !== null,
    automatedKind: origin.kind === 'human' ? null : origin.kind,
    isForRecordOnly: origin.kind === 'autoReply' || origin.kind === 'ownLoop',
    isBounce: isFailure(origin),
    wantsNoAnswer: !mayTriggerAnswer(origin),
    rawStorageKey: storable(email.raw.storageKey),
    textStorageKey: email.body.textStorageKey ?? null,
    htmlStorageKey: email.body.htmlStorageKey ?? null,
  };
}

/** The setting of the tenant, else what is known of large services; null where nobody has said anything. */
function trustedServer({ defaults, imapHost }: MailboxFacts): TrustedServer | null {
  if (defaults !== null && (defaults.authservIds.length > 0 || defaults.authservWritesNoId))
    return {
      authservIds: defaults.authservIds,
      writesNoId: defaults.authservWritesNoId,
      fields: defaults.authservFields,
    };
  return imapHost === null ? null : knownMailServer(imapHost);
}

/**
 * Failed means that somebody says so: `not_aligned` is also what mail of a domain without SPF, DKIM and DMARC gets. A claim of failure
 * is believed of any server: nobody forges that against himself.
 */
function checkSender(
  email: EmailData,
  trusted: TrustedServer | null,
  organisationalDomain: (domain: string) => string | null,
): SenderCheck {
  const verdict = assessAuthentication(email, { trusted, organisationalDomain });
  if (verdict.aligned) return 'verified';
  switch (verdict.reason) {
    case 'dmarc_failed':
    case 'dmarc_twice':
    case 'from_ambiguous':
      return 'failed';
    case 'no_trusted_server':
    case 'no_results':
    case 'other_server':
    case 'unreadable':
    case 'not_aligned':
      return claimsFailure(email) ? 'failed' : 'unknown';
  }
}

function claimsFailure({ authentication }: EmailData): boolean {
  const topmost = parseAuthenticationResults(authentication?.[0] ?? '');
  return topmost?.results.some(({ method, result }) => method === 'dmarc' && result === 'fail') ?? false;
}

function isFailure(origin: MailOrigin): boolean {
  if (origin.kind !== 'bounce') return false;
  return ['failed', 'delayed', 'unknown'].includes(origin.report.action);
}
