/** The unit of work: one message in one folder, and the stages it goes through. */
import type { ProviderId, TenantId } from './ids.ts';

/** (folder, UIDVALIDITY, UID) names one immutable message for ever (RFC 9051 section 2.3.1.1). */
export interface MessageKey {
  readonly tenant: TenantId;
  readonly providerId: ProviderId;
  readonly folder: string;
  /** 32-bit unsigned, compared with `!==` only: servers break "must grow". */
  readonly uidValidity: number;
  readonly uid: number;
}

/**
 * Ledger states (`inbound_messages.status`).
 * `received` → `published` → `processed`; `skipped` and `dead_letter` end it with a reason.
 */
export type LedgerStatus = 'received' | 'published' | 'processed' | 'skipped' | 'dead_letter';
