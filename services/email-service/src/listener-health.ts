/** What a listener's state means to people. */
import { assertNever } from '@mailstream/shared/domain/never';
import type { ListenerState } from './core/listener-states.ts';
import type { FolderHealth } from './ports.ts';

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
      return { state: 'watching', code: null };
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
