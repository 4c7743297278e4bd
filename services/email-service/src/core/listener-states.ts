/** Vocabulary of the listener machine: see listener-machine.ts for the drawing and what always holds. */
import type { Fault } from '@mailstream/shared/domain/fault';

/** Faults in a row, by what they are about. A count decides how long the next wait is, and only its own kind of fault adds to it. */
export interface Attempts {
  /** The mail server or the way to it: left alone for longer each time, until a connection has lived a minute. */
  readonly server: number;
  /** Our own stores: they serve all folders again as soon as they are back; a pass that went through ends the count. */
  readonly stores: number;
  /** What only a person can mend, as far as one can tell; a pass that went through ends the count. */
  readonly settings: number;
}

export const NO_ATTEMPTS: Attempts = { server: 0, stores: 0, settings: 0 };

export type AfterClosing =
  | { readonly kind: 'connecting' }
  | { readonly kind: 'backingOff'; readonly fault: Fault }
  | { readonly kind: 'parked'; readonly fault: Fault }
  | { readonly kind: 'stopped' };

export type ListenerState =
  | { readonly kind: 'idle' }
  | { readonly kind: 'queued'; readonly session: number; readonly attempts: Attempts }
  | { readonly kind: 'connecting'; readonly session: number; readonly attempts: Attempts }
  | { readonly kind: 'opening'; readonly session: number; readonly attempts: Attempts }
  /** `yields`: others wait for the connection, which goes to them when the pass in hand has ended. */
  | {
      readonly kind: 'syncing';
      readonly session: number;
      readonly attempts: Attempts;
      readonly dirty: boolean;
      readonly yields: boolean;
    }
  /** `heldBy`: code of what keeps us from fetching meanwhile (back-pressure), null when the folder is in sync. */
  | {
      readonly kind: 'watching';
      readonly session: number;
      readonly attempts: Attempts;
      readonly heldBy: string | null;
    }
  | { readonly kind: 'draining'; readonly session: number; readonly then: 'connecting' | 'stopped' }
  | {
      readonly kind: 'closing';
      readonly session: number;
      readonly attempts: Attempts;
      readonly then: AfterClosing;
    }
  | {
      readonly kind: 'backingOff';
      readonly session: number;
      readonly attempts: Attempts;
      readonly fault: Fault;
    }
  | { readonly kind: 'parked'; readonly session: number; readonly attempts: Attempts; readonly fault: Fault }
  | { readonly kind: 'stopped' };

export type ListenerEvent =
  | { readonly kind: 'start' }
  /** A connection may be made now. */
  | { readonly kind: 'turnCame'; readonly session: number }
  /** Others wait for a connection. */
  | { readonly kind: 'yield' }
  | { readonly kind: 'connected'; readonly session: number }
  | { readonly kind: 'opened'; readonly session: number }
  /**
   * A pass over the folder has ended well; `more` when its batch limit left something, `heldBy` when fetching pauses: the code of
   * what is full. The folder is watched then, and a poke follows the relief.
   */
  | {
      readonly kind: 'passDone';
      readonly session: number;
      readonly more: boolean;
      readonly heldBy: string | null;
    }
  /** The server hinted at a change. A hint only, never proof. */
  | { readonly kind: 'changed'; readonly session: number }
  | { readonly kind: 'watchDue'; readonly session: number }
  /** `livedMs`: how long the session had been connected. */
  | { readonly kind: 'fault'; readonly session: number; readonly fault: Fault; readonly livedMs: number }
  | { readonly kind: 'deadline'; readonly session: number }
  | { readonly kind: 'ended'; readonly session: number }
  | { readonly kind: 'closeDeadline'; readonly session: number }
  | { readonly kind: 'retryDue' }
  | { readonly kind: 'recheckDue' }
  | { readonly kind: 'configChanged' }
  /** A person asked to look now. */
  | { readonly kind: 'poke' }
  | { readonly kind: 'drain' }
  | { readonly kind: 'abort' };

export type ListenerEffect =
  | { readonly kind: 'requestTurn'; readonly session: number }
  | { readonly kind: 'returnTurn' }
  | { readonly kind: 'openSession'; readonly session: number }
  | { readonly kind: 'openFolder'; readonly session: number }
  | { readonly kind: 'runPass'; readonly session: number }
  /** Finish the run in hand, begin no other. */
  | { readonly kind: 'stopPass'; readonly session: number }
  | { readonly kind: 'watch'; readonly session: number }
  | { readonly kind: 'endSession'; readonly session: number; readonly how: 'gracefully' | 'abruptly' }
  | {
      readonly kind: 'armDeadline';
      readonly session: number;
      readonly of: 'connecting' | 'opening' | 'draining' | 'closing';
    }
  /** `attempt`: 1 for the first retry. */
  | { readonly kind: 'armRetry'; readonly attempt: number; readonly notBeforeMs: number }
  /** `attempt`: 1 for the first look at a parked folder. */
  | { readonly kind: 'armRecheck'; readonly fault: Fault; readonly attempt: number }
  /** Told to the lease: the row belongs to another. */
  | { readonly kind: 'reportFenced' };

export interface ListenerStep {
  readonly state: ListenerState;
  readonly effects: readonly ListenerEffect[];
  readonly unexpected: boolean;
}
