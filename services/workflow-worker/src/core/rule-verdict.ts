/** What the tenant's rules say about a mail, and when that counts. Pure. */
export interface RuleVerdict {
  /** The first rule that leaves the mail out; null where none does. */
  readonly skippedBy: RuleName | null;
  readonly queue: string | null;
  readonly clientId: string | null;
  readonly priority: string | null;
  readonly tags: readonly string[];
  /** In the order of their evaluation, those without effect included. */
  readonly matched: readonly MatchedRule[];
}

export interface RuleName {
  readonly id: string;
  readonly name: string;
}

export interface MatchedRule extends RuleName {
  readonly isDryRun: boolean;
}

export const NO_VERDICT: RuleVerdict = {
  skippedBy: null,
  queue: null,
  clientId: null,
  priority: null,
  tags: [],
  matched: [],
};

/** Where a mail goes, and what it is. */
export interface JudgedMail {
  /** It found no ticket that it may enter. */
  readonly opensTicket: boolean;
  readonly isAutomated: boolean;
  /** Reports that a mail of ours could not be delivered (yet). */
  readonly isBounce: boolean;
}

/**
 * The rule that leaves the mail out, or null where it has its effect. A person's answer that found its ticket is never left out, and
 * neither is a report that a mail of ours was not delivered: somebody waits for them. What opens a ticket is, and so is what a
 * machine writes into one.
 */
export function leftOutBy(
  verdict: RuleVerdict,
  { opensTicket, isAutomated, isBounce }: JudgedMail,
): RuleName | null {
  return opensTicket || (isAutomated && !isBounce) ? verdict.skippedBy : null;
}

/** For the ledger, the gate and people. */
export function skipReason({ name }: RuleName): string {
  return `rule "${name}"`;
}
