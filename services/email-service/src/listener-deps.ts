/** What a folder's listener is given: ports, settings, and whom it tells. */
import type { Fault } from '@mailstream/shared/domain/fault';
import type { Clock } from '@mailstream/shared/domain/time';
import type { Logger } from '@mailstream/shared/runtime/logger';
import type { AuditTurns } from './audit-turns.ts';
import type { ConnectionTurns } from './connection-turns.ts';
import type { ListenerState } from './core/listener-states.ts';
import type { LoginGate } from './login-gate.ts';
import type { FolderAudit, FolderHealth, ResyncCounts, ResyncRequest } from './ports/folder-status.ts';
import type { ImapConnector } from './ports/imap.ts';

export interface ListenerSettings {
  readonly pollIntervalMs: number;
  readonly idleRenewMs: number;
  /** Look at the folder at least this often even if the server hints at nothing. */
  readonly watchIntervalMs: number;
  readonly timerJitter: number;
  readonly reconnectJitter: number;
  /** The first connect waits a random time up to this where many connect to one host, so that a restart does not hit it at once. */
  readonly startupStaggerMs: number;
  readonly connectDeadlineMs: number;
  /** Every folder is compared with the ledger this often; 0 is never. */
  readonly auditIntervalMs: number;
}

export interface ListenerDeps {
  readonly connector: ImapConnector;
  readonly gate: LoginGate;
  /** Connections under the operator's caps; one for the whole process. */
  readonly turns: ConnectionTurns;
  readonly auditTurns: AuditTurns;
  readonly clock: Clock;
  readonly random: () => number;
  readonly log: Logger;
  readonly settings: ListenerSettings;
  readonly metrics: {
    transition(from: ListenerState['kind'], to: ListenerState['kind']): void;
    unexpected(state: string, event: string): void;
    /** `isConnecting`: before the login had worked. */
    fault(fault: Fault, isConnecting: boolean): void;
    /** By how much the number of messages missing in the ledger has changed; `durationMs` is null where no audit was made. */
    audited(audit: {
      readonly change: number;
      readonly found: number;
      readonly durationMs: number | null;
    }): void;
  };
  readonly pause: (ms: number, signal: AbortSignal) => Promise<void>;
  /** Asked before every run, so it must cost nothing; see back-pressure.ts. */
  readonly pressure: {
    /** Code of what is full while nothing may be fetched, else null. */
    heldBy(): string | null;
    /** Tells of a fault, which may be the first sign that something is full. */
    noted(fault: Fault): void;
  };
}

export interface ListenerHooks {
  health(health: FolderHealth, capabilities: readonly string[] | null, inSync: boolean): void;
  fenced(): void;
  /** Resolves when it is stored. */
  audited(audit: FolderAudit): Promise<void>;
  /** Resolves when it is stored. */
  resynced(request: ResyncRequest, counts: ResyncCounts): Promise<void>;
}
