/** Rules for incoming mail, and what they can be tried on. */
import type { TenantId } from '@mailstream/shared/domain/ids';
import type { RuleBody, RuleTestBody, StoredRule } from '../contracts/rules.ts';
import type { Actor } from '../ports.ts';

export type RuleResult =
  | { readonly kind: 'changed'; readonly rule: StoredRule }
  | { readonly kind: 'notFound' | 'tooMany' | 'tooCostly' | 'providerUnknown' }
  /** `action` is its place in the list of actions. */
  | { readonly kind: 'clientUnknown'; readonly action: number };

/** What is kept of a message that rules can be tried on. */
export interface RuleSample {
  readonly eventId: string;
  readonly providerId: string;
  readonly receivedAt: Date;
  readonly sender: string | null;
  readonly subject: string | null;
  /** Bytes of the raw message. */
  readonly size: number;
  /** Of the raw message; null where it is not there. */
  readonly storageKey: string | null;
  /** Of its ticket; null where no worker has made one of it, or a comment. */
  readonly content: {
    readonly senderName: string | null;
    readonly text: string;
    /** There is more of it than this. */
    readonly isCut: boolean;
    readonly attachments: readonly { readonly name: string; readonly contentType: string }[];
  } | null;
  /** It found a ticket: rules change nothing there, and leave out only what a machine wrote. */
  readonly joined: { readonly isMachine: boolean } | null;
}

/** Each changing method is one transaction with its line in the audit log and a new version for the workers. */
export interface RuleStore {
  /** In their order. */
  list(tenant: TenantId): Promise<readonly StoredRule[]>;
  get(tenant: TenantId, id: string): Promise<StoredRule | null>;
  /** Behind all others. */
  create(actor: Actor, id: string, body: RuleBody): Promise<RuleResult>;
  replace(actor: Actor, id: string, body: RuleBody): Promise<RuleResult>;
  setEnabled(actor: Actor, id: string, isEnabled: boolean): Promise<RuleResult>;
  remove(actor: Actor, id: string): Promise<'changed' | 'notFound'>;
  /** `mismatch` unless these are all of them, each once. */
  reorder(actor: Actor, ids: readonly string[]): Promise<'changed' | 'mismatch'>;
  /** Newest first. */
  samples(
    tenant: TenantId,
    query: Pick<RuleTestBody, 'limit' | 'providerId'>,
  ): Promise<readonly RuleSample[]>;
}
