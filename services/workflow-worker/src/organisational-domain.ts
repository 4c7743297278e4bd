/** Organisational domains by the public suffix list (RFC 7489 section 3.2). The list is part of the package; nothing is fetched. */
import { getDomain } from 'tldts';

/** `mail.example.co.uk` → `example.co.uk`; null for a public suffix itself, an IP address or what is no domain. */
export function organisationalDomain(domain: string): string | null {
  if (domain.length > 253) return null;
  // Private suffixes (`github.io`, `blogspot.com`) belong to many owners as well.
  return getDomain(domain, { allowPrivateDomains: true });
}
