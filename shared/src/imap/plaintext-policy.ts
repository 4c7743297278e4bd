import { parseAddress } from '../net/address-class.ts';
import { parseAllowList } from '../net/allow-list.ts';

/** Where an operator allows IMAP without encryption (`IMAP_PLAINTEXT_ALLOW_CIDRS`); nowhere by default. */
export interface PlaintextPolicy {
  /** @param address the resolved address, never the name: a name can be pointed elsewhere */
  allows(address: string): boolean;
}

/** @throws TypeError naming the first entry that is not a network */
export function plaintextPolicy(cidrs: readonly string[]): PlaintextPolicy {
  const parsed = parseAllowList(cidrs);
  if (parsed.kind === 'problem') {
    throw new TypeError(parsed.text.replace('EGRESS_ALLOW_CIDRS', 'IMAP_PLAINTEXT_ALLOW_CIDRS'));
  }
  return {
    allows: (address) => {
      const vetted = parseAddress(address);
      return vetted !== null && parsed.allowList.has(vetted);
    },
  };
}
