/**
 * Server-sent events (WHATWG HTML, "Server-sent events") for open pages: which lists have changed, never what is in them, so that rights are
 * checked where they always are. A page that missed something looks again when it is back; nothing has to be kept for it.
 */
import { Readable } from 'node:stream';
import type { ChangeTopic } from '@mailstream/shared/db/notices';
import type { Clock } from '@mailstream/shared/domain/time';
import { ApiError } from '../api-error.ts';
import type { Scope } from '../contracts/session.ts';
import type { Actor } from '../ports.ts';
import type { ChangeFeed } from '../ports/live.ts';
import type { AccountUseCases } from './accounts.ts';

/** Open pages of one person or token, and of all, in this process. */
const MAX_PER_ACTOR = 10;
const MAX_STREAMS = 2_000;
/** Proxies end connections that are silent for a minute; a right that was taken away ends one at the next beat at the latest. */
const HEARTBEAT_MS = 15_000;
/** Changes within this time are told together. */
const GATHER_MS = 200;
/** A reader that takes nothing. */
const MAX_UNREAD_BYTES = 64 * 1024;

const SCOPE_OF: Record<Exclude<ChangeTopic, 'sessions'>, Scope> = {
  providers: 'providers:read',
  messages: 'messages:read',
  tickets: 'tickets:read',
};

export interface LiveStreams {
  /** @throws ApiError RATE_LIMITED when the actor has too many open */
  open(actor: Actor, sessionId: string | null): Readable;
  /** Ends all, so that a server can stop. */
  close(): void;
}

export function createLiveStreams(ports: {
  readonly feed: ChangeFeed;
  readonly accounts: Pick<AccountUseCases, 'isStillIn'>;
  readonly clock: Clock;
  /** Told how many are open, whenever that changes. */
  readonly onCount: (open: number) => void;
}): LiveStreams {
  const { feed, accounts, clock, onCount } = ports;
  const open = new Map<Readable, string>();

  return {
    open(actor, sessionId) {
      const key = `${actor.tenant} ${actor.id}`;
      const own = [...open.values()].filter((other) => other === key).length;
      if (own >= MAX_PER_ACTOR || open.size >= MAX_STREAMS) throw new ApiError('RATE_LIMITED');
      const stream = new Readable({ read: () => undefined });
      open.set(stream, key);
      onCount(open.size);
      const waiting = new Set<string>();
      let cancelTell: (() => void) | null = null;
      let cancelBeat: (() => void) | null = null;

      const send = (text: string): void => {
        if (stream.destroyed) return;
        stream.push(text);
        if (stream.readableLength > MAX_UNREAD_BYTES) stream.destroy();
      };
      const check = (): void => {
        accounts.isStillIn(actor, sessionId).then(
          (isStillIn) => {
            if (isStillIn || stream.destroyed) return;
            send('event: end\ndata: {}\n\n');
            stream.push(null);
          },
          // The database is away: the next beat asks again.
          () => undefined,
        );
      };
      const beat = (): void => {
        cancelBeat = clock.schedule(HEARTBEAT_MS, () => {
          send(': still here\n\n');
          check();
          beat();
        });
      };
      const unsubscribe = feed.subscribe(actor.tenant, (topic) => {
        if (topic === 'sessions') return check();
        if (!actor.scopes.has(SCOPE_OF[topic])) return;
        waiting.add(topic);
        cancelTell ??= clock.schedule(GATHER_MS, () => {
          cancelTell = null;
          send(`event: change\ndata: ${JSON.stringify({ topics: [...waiting] })}\n\n`);
          waiting.clear();
        });
      });
      stream.once('close', () => {
        open.delete(stream);
        onCount(open.size);
        unsubscribe();
        cancelTell?.();
        cancelBeat?.();
      });
      // A browser that lost the connection comes back after two seconds.
      send('retry: 2000\nevent: open\ndata: {}\n\n');
      beat();
      return stream;
    },

    close() {
      for (const stream of open.keys()) stream.push(null);
    },
  };
}
