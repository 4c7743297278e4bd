/**
 * Is the sender's domain proven? Read from the Authentication-Results (RFC 8601) of the mailbox's own server, nobody else's.
 *
 * Anybody can write that field, so it counts only
 * - when the provider's setting names the server (`TrustedServer`): no setting, no trust;
 * - when it is among the topmost: servers write above what they receive, so what a sender forged stands below. No more fields count
 *   than the server writes, or the first forged one would join them;
 * - when its authserv-id is the configured one. A server that claims this id removes or renames such fields on arrival
 *   (RFC 8601 section 5); one that does neither that nor writes its own must not be configured here.
 * What passed must be aligned: the proven domain has the same organisational domain as the From field, which must name one address.
 */
import { valuesOf } from '@mailstream/shared/domain/header-fields';
import type { EmailData } from '@mailstream/shared/events/email-received-schema';
import { parseAuthenticationResults, type AuthenticationResult } from './authentication-results.ts';

export interface TrustedServer {
  /** In any case; the field's must be equal. */
  readonly authservIds: readonly string[];
  /** Microsoft 365 writes no authserv-id and renames such fields of others. */
  readonly writesNoId: boolean;
  /** How many fields the server writes (milters: one each), 1 to 5. */
  readonly fields: number;
}

export type AuthenticationVerdict =
  | {
      readonly aligned: true;
      readonly by: 'dmarc' | 'dkim' | 'spf';
      readonly reason: 'passed';
      /** Of the From field, lower case. */
      readonly domain: string;
    }
  | { readonly aligned: false; readonly by: null; readonly reason: RefusalReason };

export type RefusalReason =
  | 'no_trusted_server'
  | 'no_results'
  | 'other_server'
  | 'unreadable'
  | 'from_ambiguous'
  | 'dmarc_failed'
  | 'dmarc_twice'
  | 'not_aligned';

export interface AuthenticationContext {
  /** Null: nothing is known about the provider's server. */
  readonly trusted: TrustedServer | null;
  /** Registrable domain by the public suffix list, null for a suffix itself or what is no domain. */
  readonly organisationalDomain: (domain: string) => string | null;
}

export function assessAuthentication(
  email: EmailData,
  context: AuthenticationContext,
): AuthenticationVerdict {
  const { trusted } = context;
  if (trusted === null) return refused('no_trusted_server');
  const fields = email.authentication ?? valuesOf(email.headers, 'authentication-results');
  if (fields.length === 0) return refused('no_results');
  const domain = fromDomain(email);
  if (domain === null) return refused('from_ambiguous');

  const results: AuthenticationResult[] = [];
  for (const [index, field] of fields.slice(0, trusted.fields).entries()) {
    const parsed = parseAuthenticationResults(field);
    if (parsed === null) {
      if (index === 0) return refused('unreadable');
      break;
    }
    if (!isOfServer(parsed.authservId, trusted)) {
      if (index === 0) return refused('other_server');
      break;
    }
    results.push(...parsed.results);
  }
  return verdictOf(results, domain, context);
}

function isOfServer(authservId: string | null, trusted: TrustedServer): boolean {
  if (authservId === null) return trusted.writesNoId;
  return trusted.authservIds.some((id) => id.toLowerCase() === authservId.toLowerCase());
}

function verdictOf(
  results: readonly AuthenticationResult[],
  domain: string,
  { organisationalDomain }: AuthenticationContext,
): AuthenticationVerdict {
  const organisation = organisationalDomain(domain);
  const isAligned = (other: string | undefined): boolean => {
    const name = domainOf(other ?? '');
    if (name === '') return false;
    return name === domain || (organisation !== null && organisationalDomain(name) === organisation);
  };
  const dmarc = results.filter(({ method }) => method === 'dmarc');
  if (dmarc.some(({ result }) => result === 'fail')) return refused('dmarc_failed');
  // A server judges it once: a second result came from words of the sender's that the server took over.
  if (dmarc.length > 1) return refused('dmarc_twice');
  const passed = (by: 'dmarc' | 'dkim' | 'spf', properties: readonly string[]): boolean =>
    results.some(
      (result) =>
        result.method === by &&
        result.result === 'pass' &&
        properties.some((property) => isAligned(result.properties.get(property))),
    );
  // The domain that DMARC judged must be the one that is shown: of two From fields it may have taken the other.
  if (passed('dmarc', ['header.from'])) return { aligned: true, by: 'dmarc', reason: 'passed', domain };
  if (passed('dkim', ['header.d', 'header.i']))
    return { aligned: true, by: 'dkim', reason: 'passed', domain };
  if (passed('spf', ['smtp.mailfrom', 'smtp.mail']))
    return { aligned: true, by: 'spf', reason: 'passed', domain };
  return refused('not_aligned');
}

/** Of the one address of the one From field; null where there are more, or none. */
function fromDomain({ headers, from }: EmailData): string | null {
  const fields = valuesOf(headers, 'from');
  if (fields.length > 1) return null;
  const domain = domainOf(from.email);
  if (domain === '') return null;
  return fields.length === 1 && mayNameSeveral(fields[0] ?? '') ? null : domain;
}

/** More than one address (RFC 5322 section 3.6.2 allows it; no honest client does it), or too odd to tell. */
function mayNameSeveral(value: string): boolean {
  if (value.length > 2000) return true;
  const withoutWords = value.replace(/"(?:[^"\\]|\\.)*"/g, '').replace(/\([^()]*\)/g, '');
  const angles = withoutWords.match(/<[^<>]*>/g) ?? [];
  if (angles.length > 1) return true;
  const outside = withoutWords.replace(/<[^<>]*>/g, '');
  const addresses = outside.match(/@/g)?.length ?? 0;
  // `jane@x.example <jane@x.example>` is one; with a comma or semicolon the words outside are an address of their own.
  return angles.length === 1 ? addresses > 0 && /[,;]/.test(outside) : addresses > 1;
}

/** `x@domain`, `@domain` or `domain`, lower case, without a final dot. */
function domainOf(value: string): string {
  const domain = value
    .slice(value.lastIndexOf('@') + 1)
    .trim()
    .toLowerCase()
    .replace(/\.$/, '');
  return /^[^\s@<>"(),;:\\[\]]{1,253}$/.test(domain) ? domain : '';
}

function refused(reason: RefusalReason): AuthenticationVerdict {
  return { aligned: false, by: null, reason };
}
