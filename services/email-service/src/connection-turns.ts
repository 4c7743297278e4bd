/**
 * Connections under caps per tenant and per host (`IMAP_MAX_CONNECTIONS_PER_TENANT`, `…_PER_HOST`; 0 is no cap).
 *
 * Hosts take turns, and at each it is first come, first served. While somebody waits, a holder whose folder has been in sync once is
 * asked, a quantum later, to give its connection up and queue again; one that has still not caught up, after `CATCH_UP_QUANTA`. So
 * folders over the cap share the connections in turn: neither one with a huge backlog nor one whose mail never stops starves the
 * others.
 *
 * Whatever the caps, some begin at a time (`BEGINNERS`): each asks PostgreSQL half a dozen things before it watches, and thousands
 * that ask at once all wait for one another until all give up and begin anew. With too few of them their questions do not gather
 * (shared/src/db/gather.ts), and processors stand idle while mail servers answer. A place among the beginners is free again when the
 * folder is in sync, and soon in any case, so that a mail server that does not answer holds up nobody.
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
  /** Others wait: close the connection as soon as the pass in hand has ended. May be called again. */
  yieldNow(): void;
}

export interface Turn {
  readonly isWaiting: boolean;
  /**
   * Over how long to spread the connects to this host, milliseconds: grows with those that have their turn and do not watch yet,
   * this one included, so that a crowd does not come at once and a single one need not wait.
   */
  readonly spreadMs: number;
  /** The folder is in sync; only the first time counts. */
  idle(): void;
  /** Gives the turn back, or stops waiting for one. May be called more than once. */
  end(): void;
}

interface Place {
  readonly tenant: string;
  readonly host: string;
  readonly hooks: TurnHooks;
  state: 'waiting' | 'holding' | 'ended';
  grantedAtMs: number;
  /** Null until the folder has been in sync once. */
  inSyncAtMs: number | null;
  /** Ends its place among the beginners; null while it has none. */
  cancelBeginning: (() => void) | null;
}

/** What a turn does with its place: one object for all turns. */
interface PlaceWays {
  isCapped(place: Place): boolean;
  spreadMs(place: Place): number;
  idle(place: Place): void;
  end(place: Place): void;
}

/** Two fields for each of ten thousand idle folders; an object with its own getters and functions takes a kilobyte (issue 7). */
class PlaceTurn implements Turn {
  readonly #ways: PlaceWays;
  readonly #place: Place;

  constructor(ways: PlaceWays, place: Place) {
    this.#ways = ways;
    this.#place = place;
  }

  get isWaiting(): boolean {
    return this.#ways.isCapped(this.#place);
  }

  get spreadMs(): number {
    return this.#ways.spreadMs(this.#place);
  }

  idle(): void {
    this.#ways.idle(this.#place);
  }

  end(): void {
    this.#ways.end(this.#place);
  }
}

/** A backlog gets on better in longer turns: each costs a login and a list of the folder. */
const CATCH_UP_QUANTA = 6;
/** Folders that log in, open and look for the first time at one moment; so many to one host that another's have room. */
const BEGINNERS = { all: 160, perHost: 100, placeMs: 2_000 };
/** Five hundred logins a second: as many as may begin come in a fifth of one. */
const SPREAD_EACH_MS = 2;

export class ConnectionTurns {
  readonly #clock: Clock;
  readonly #caps: TurnCaps;
  /** By host, in the order of their turn; one where nobody waits is not in here. */
  readonly #waiting = new Map<string, Set<Place>>();
  readonly #holding = new Set<Place>();
  readonly #tenants = new Map<string, number>();
  readonly #hosts = new Map<string, number>();
  /** By host: holders that have not come to watch yet. */
  readonly #busy = new Map<string, number>();
  readonly #beginners = { all: 0, perHost: new Map<string, number>() };
  #isSweepArmed = false;
  readonly #ways: PlaceWays = {
    isCapped: (place) => place.state === 'waiting' && !this.#isWithinCaps(place),
    spreadMs: (place) => this.#spreadMs(place),
    idle: (place) => this.#isInSync(place),
    end: (place) => this.#end(place),
  };

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
      grantedAtMs: 0,
      inSyncAtMs: null,
      cancelBeginning: null,
    };
    if (this.#isFree(place)) this.#grant(place);
    else {
      this.#wait(place);
      this.#armSweep();
    }
    return new PlaceTurn(this.#ways, place);
  }

  #spreadMs({ host }: Place): number {
    return SPREAD_EACH_MS * (this.#busy.get(host) ?? 0);
  }

  #isInSync(place: Place): void {
    if (place.state !== 'holding' || place.inSyncAtMs !== null) return;
    add(this.#busy, place.host, -1);
    place.inSyncAtMs = this.#clock.monotonicMs();
    this.#hasBegun(place);
  }

  #isFree(place: Place): boolean {
    const { all, perHost } = this.#beginners;
    const mayBegin = all < BEGINNERS.all && (perHost.get(place.host) ?? 0) < BEGINNERS.perHost;
    return mayBegin && this.#isWithinCaps(place);
  }

  #isWithinCaps(place: Place): boolean {
    const { perTenant, perHost } = this.#caps;
    return (
      (perTenant === 0 || (this.#tenants.get(place.tenant) ?? 0) < perTenant) &&
      (perHost === 0 || (this.#hosts.get(place.host) ?? 0) < perHost)
    );
  }

  #wait(place: Place): void {
    const places = this.#waiting.get(place.host) ?? new Set();
    this.#waiting.set(place.host, places.add(place));
  }

  #waitsNoMore(place: Place): void {
    const places = this.#waiting.get(place.host);
    places?.delete(place);
    if (places?.size === 0) this.#waiting.delete(place.host);
  }

  #grant(place: Place): void {
    this.#waitsNoMore(place);
    place.state = 'holding';
    place.grantedAtMs = this.#clock.monotonicMs();
    this.#holding.add(place);
    this.#count(place, 1);
    add(this.#busy, place.host, 1);
    this.#begins(place);
    place.hooks.came();
  }

  #begins(place: Place): void {
    this.#beginners.all += 1;
    add(this.#beginners.perHost, place.host, 1);
    place.cancelBeginning = this.#clock.schedule(BEGINNERS.placeMs, () => this.#hasBegun(place));
  }

  #hasBegun(place: Place): void {
    if (place.cancelBeginning === null) return;
    place.cancelBeginning();
    place.cancelBeginning = null;
    this.#beginners.all -= 1;
    add(this.#beginners.perHost, place.host, -1);
    this.#serve();
  }

  /** One of each host in turn: a crowd of one holds up nobody else's, and costs as little as nobody where nothing is free for it. */
  #serve(): void {
    for (let inVain = 0; this.#beginners.all < BEGINNERS.all && inVain < this.#waiting.size;) {
      const [turn] = this.#waiting;
      if (turn === undefined) return;
      const [host, places] = turn;
      this.#waiting.delete(host);
      this.#waiting.set(host, places);
      const next = this.#firstFree(host, places);
      if (next === null) inVain += 1;
      else {
        inVain = 0;
        this.#grant(next);
      }
    }
  }

  #firstFree(host: string, places: ReadonlySet<Place>): Place | null {
    const { perHost } = this.#beginners;
    const { perHost: cap } = this.#caps;
    if ((perHost.get(host) ?? 0) >= BEGINNERS.perHost) return null;
    if (cap > 0 && (this.#hosts.get(host) ?? 0) >= cap) return null;
    for (const place of places) if (this.#isWithinCaps(place)) return place;
    return null;
  }

  #end(place: Place): void {
    if (place.state === 'ended') return;
    const wasHolding = place.state === 'holding';
    place.state = 'ended';
    if (!wasHolding) {
      this.#waitsNoMore(place);
      return;
    }
    this.#holding.delete(place);
    this.#count(place, -1);
    if (place.inSyncAtMs === null) add(this.#busy, place.host, -1);
    this.#hasBegun(place);
    this.#serve();
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

  /** When the turn may be asked back, monotonic milliseconds. */
  #dueAtMs({ grantedAtMs, inSyncAtMs }: Place): number {
    const { quantumMs } = this.#caps;
    const caughtUp = inSyncAtMs === null ? Infinity : inSyncAtMs + quantumMs;
    return Math.min(caughtUp, grantedAtMs + CATCH_UP_QUANTA * quantumMs);
  }

  /** One holder makes room for each that waits, and only where that helps it: the same tenant or host. */
  #sweep(): void {
    const nowMs = this.#clock.monotonicMs();
    const due = [...this.#holding]
      .filter((place) => this.#dueAtMs(place) <= nowMs)
      .sort((a, b) => this.#dueAtMs(a) - this.#dueAtMs(b));
    // A copy: whoever is told to yield may do so at once.
    for (const waiting of [...this.#waiting.values()].flatMap((places) => [...places])) {
      if (this.#isWithinCaps(waiting)) continue;
      const index = due.findIndex((place) => place.tenant === waiting.tenant || place.host === waiting.host);
      if (index >= 0) due.splice(index, 1)[0]?.hooks.yieldNow();
    }
  }
}

function add(counts: Map<string, number>, key: string, change: 1 | -1): void {
  const count = (counts.get(key) ?? 0) + change;
  if (count === 0) counts.delete(key);
  else counts.set(key, count);
}
