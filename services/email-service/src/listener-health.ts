/** What a listener's state means to people. */
import { assertNever } from '@mailstream/shared/domain/never';
import type { ListenerState } from './core/listener-states.ts';
import { isStoreFault } from './core/store-faults.ts';
import type { FolderFreshness, Unseen } from './core/folder-freshness.ts';
import type { FolderHealth } from './ports/folder-status.ts';

/** Null where there is nothing new to say: the last word stands. */
export function healthOf(
  state: ListenerState,
  isWaitingForTurn: boolean,
): Pick<FolderHealth, 'state' | 'code'> | null {
  switch (state.kind) {
    case 'connecting':
      // A retry keeps its error until it has worked: a person must not see it flicker.
      return state.session === 1 ? { state: 'connecting', code: null } : null;
    case 'queued':
      return isWaitingForTurn ? { state: 'waiting', code: 'IMAP_CONNECTION_TURNS' } : null;
    case 'watching':
      return state.heldBy === null
        ? { state: 'watching', code: null }
        : { state: 'waiting', code: state.heldBy };
    case 'backingOff':
      return { state: 'waiting', code: state.fault.code };
    case 'parked':
      return { state: 'parked', code: state.fault.code };
    case 'idle':
    case 'opening':
    case 'syncing':
    case 'draining':
    case 'closing':
    case 'stopped':
      return null;
    default:
      return assertNever(state);
  }
}

/** Whether a change of the pressure means something to a listener: it is held and need not be, or the other way round. */
export function mustHearOfPressure(state: ListenerState, heldBy: string | null): boolean {
  if (state.kind === 'watching') return state.heldBy !== heldBy;
  return state.kind === 'backingOff' && heldBy === null && isStoreFault(state.fault);
}

/** What the watch over data ages sees of a folder. */
export interface FolderSight {
  readonly folder: string;
  readonly state: ListenerState['kind'];
  /** Fetching is paused because something is full. */
  readonly isHeld: boolean;
  /** Null before the first proof. */
  readonly provenAgeMs: number | null;
  /** Since the last proof, or since we took the folder over. */
  readonly dataAgeMs: number;
  /** Since anything moved. */
  readonly stillMs: number;
  readonly unseen: Unseen;
  /** Messages that the server listed and did not deliver. */
  readonly holes: number;
}

export function sightOf(
  {
    folder,
    state,
    freshness,
    isHeld,
  }: Pick<FolderSight, 'folder' | 'isHeld'> & {
    readonly state: ListenerState;
    readonly freshness: FolderFreshness;
  },
  nowMs: number,
): FolderSight {
  const dataAgeMs = freshness.ageMs(nowMs);
  return {
    folder,
    state: state.kind,
    isHeld,
    provenAgeMs: freshness.provenMs === null ? null : dataAgeMs,
    dataAgeMs,
    stillMs: freshness.stillMs(nowMs),
    unseen: freshness.unseen(nowMs),
    holes: freshness.holes,
  };
}
