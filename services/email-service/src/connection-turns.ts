/**
 * Connections under caps per tenant and per host (`IMAP_MAX_CONNECTIONS_PER_TENANT`, `…_PER_HOST`; 0 is no cap).
 *
 * First come, first served. While somebody waits, the holder that has merely watched for the longest time, and at least for one
 * quantum, is asked to give its connection up and queue again: folders over the cap share the connections in turn, none starves.
 * Caps bound connections only. Leases and their renewals know nothing of them.
 */
import type { Clock } from '@mailstream/shared/domain/time';

export interface TurnCaps {
  readonly perTenant: number;
  readonly perHost: number;
  /** Milliseconds. */
  readonly quantumMs: number;
}

export interface TurnHooks {
  /** A connection may be made; called once, perhaps before `request` returns. */
  came(): void;
  /** Others wait: close the connection if it merely watches. */
  yieldNow(): void;
}

export interface Turn {
  readonly isWaiting: boolean;
  /**
   * Over how long to spread the connects to this host, milliseconds: grows with those that have their turn and do not watch yet,
   * this one included, so that a crowd does not come at once and a single one need not wait.
   */
  readonly spreadMs: number;
  /** The connection merely watches from now on. */
  idle(): void;
  /** Gives the turn back, or stops waiting for one. May be called more than once. */
  end(): void;
}

interface Place {
  readonly tenant: string;
  readonly host: string;
  readonly hooks: TurnHooks;
  state: 'waiting' | 'holding' | 'ended';
  idleSinceMs: number | null;
}

/** Two hundred logins a second. */
const SPREAD_EACH_MS = 5;

export class ConnectionTurns {
  readonly #clock: Clock;
  readonly #caps: TurnCaps;
  readonly #waiting = new Set<Place>();
  readonly #holding = new Set<Place>();
  readonly #tenants = new Map<string, number>();
  readonly #hosts = new Map<string, number>();
  /** By host: holders that have not come to watch yet. */
  readonly #busy = new Map<string, number>();
  #isSweepArmed = false;

  constructor(clock: Clock, caps: TurnCaps) {
    this.#clock = clock;
    this.#caps = caps;
  }

  request(of: { readonly tenant: string; readonly host: string }, hooks: TurnHooks): Turn {
    const place: Place = {
      tenant: of.tenant,
      host: of.host.toLowerCase(),
      hooks,
      state: 'waiting',
      idleSinceMs: null,
    };
    if (this.#isFree(place)) this.#grant(place);
    else {
      this.#waiting.add(place);
      this.#armSweep();
    }
    const spreadMs = (): number => SPREAD_EACH_MS * (this.#busy.get(place.host) ?? 0);
    return {
      get isWaiting() {
        return place.state === 'waiting';
      },
      get spreadMs() {
        return spreadMs();
      },
      idle: () => {
        if (place.state === 'holding' && place.idleSinceMs === null) add(this.#busy, place.host, -1);
        place.idleSinceMs = this.#clock.monotonicMs();
      },
      end: () => this.#end(place),
    };
  }

  #isFree(place: Place): boolean {
    const { perTenant, perHost } = this.#caps;
    return (
      (perTenant === 0 || (this.#tenants.get(place.tenant) ?? 0) < perTenant) &&
      (perHost === 0 || (this.#hosts.get(place.host) ?? 0) < perHost)
    );
  }

  #grant(place: Place): void {
    this.#waiting.delete(place);
    place.state = 'holding';
    this.#holding.add(place);
    this.#count(place, 1);
    add(this.#busy, place.host, 1);
    place.hooks.came();
  }

  #end(place: Place): void {
    if (place.state === 'ended') return;
    const wasHolding = place.state === 'holding';
    place.state = 'ended';
    this.#waiting.delete(place);
    if (!wasHolding) return;
    this.#holding.delete(place);
    this.#count(place, -1);
    if (place.idleSinceMs === null) add(this.#busy, place.host, -1);
    // A copy: whoever gets a turn may ask for another at once.
    for (const next of [...this.#waiting])
      if (next.state === 'waiting' && this.#isFree(next)) this.#grant(next);
  }

  #count(place: Place, change: 1 | -1): void {
    add(this.#tenants, place.tenant, change);
    add(this.#hosts, place.host, change);
  }

  #armSweep(): void {
    if (this.#isSweepArmed) return;
    this.#isSweepArmed = true;
    this.#clock.schedule(this.#caps.quantumMs, () => {
      this.#isSweepArmed = false;
      this.#sweep();
      if (this.#waiting.size > 0) this.#armSweep();
    });
  }

  /** One holder makes room for each that waits, and only where that helps it: the same tenant or host. */
  #sweep(): void {
    const limitMs = this.#clock.monotonicMs() - this.#caps.quantumMs;
    const idle = [...this.#holding]
      .filter((place) => place.idleSinceMs !== null && place.idleSinceMs <= limitMs)
      .sort((a, b) => (a.idleSinceMs ?? 0) - (b.idleSinceMs ?? 0));
    for (const waiting of [...this.#waiting]) {
      const index = idle.findIndex((place) => place.tenant === waiting.tenant || place.host === waiting.host);
      if (index >= 0) idle.splice(index, 1)[0]?.hooks.yieldNow();
    }
  }
}

function add(counts: Map<string, number>, key: string, change: 1 | -1): void {
  const count = (counts.get(key) ?? 0) + change;
  if (count === 0) counts.delete(key);
  else counts.set(key, count);
}
