/**
 * Where the time of a takeover goes, read from the logs of the daemons: the state changes of the lease machine and of the listeners.
 *
 *     signal ─told─▶ quiescing ─quiet─▶ releasing ─release─▶ given back ─notice─▶ another bids ─acquire─▶ held ─connect─▶ open ─pass─▶ watching
 *
 * After SIGKILL nobody says anything: the time until another bids is all `notice`. Pure.
 */

export const PHASES = ['told', 'quiet', 'release', 'notice', 'acquire', 'connect', 'pass'] as const;
export type Phase = (typeof PHASES)[number];

/** Milliseconds of each phase that was seen, for one mailbox. */
export type MailboxPhases = Readonly<Partial<Record<Phase, number>>>;

interface Change {
  readonly atMs: number;
  readonly provider: string;
  readonly machine: string;
  readonly state: string;
}

/** @param signalledAt milliseconds since 1970. @param others logs of those that may take over, of the incarnations that ran then. */
export function phasesOf(
  victim: string,
  others: readonly string[],
  providers: readonly string[],
  signalledAt: number,
): readonly MailboxPhases[] {
  const ended = changesIn(victim, signalledAt);
  const taken = others.flatMap((log) => changesIn(log, signalledAt).map((change) => ({ ...change, log })));
  return providers.map((provider) => {
    const left = (state: string): number | null =>
      ended.find((change) => isLease(change, provider, state))?.atMs ?? null;
    const held = taken.filter((change) => isLease(change, provider, 'held')).at(-1);
    const winner = taken.filter(({ log }) => log === held?.log);
    const bid = winner
      .filter((change) => isLease(change, provider, 'bidding') && change.atMs <= (held?.atMs ?? 0))
      .at(-1);
    const listens = (state: string): number | null =>
      winner.find(
        (change) =>
          change.machine === 'listener' &&
          change.provider === provider &&
          change.state === state &&
          change.atMs >= (held?.atMs ?? Infinity),
      )?.atMs ?? null;
    return differences(signalledAt, {
      told: left('quiescing'),
      quiet: left('releasing'),
      release: left('stopped'),
      notice: bid?.atMs ?? null,
      acquire: held?.atMs ?? null,
      connect: listens('syncing'),
      pass: listens('watching'),
    });
  });
}

/** From moments to lengths; a phase that was not seen belongs to the next one. */
function differences(from: number, ends: Readonly<Record<Phase, number | null>>): MailboxPhases {
  let before = from;
  const lengths: Partial<Record<Phase, number>> = {};
  for (const phase of PHASES) {
    const end = ends[phase];
    if (end === null) continue;
    lengths[phase] = end - before;
    before = end;
  }
  return lengths;
}

function isLease(change: Change, provider: string, state: string): boolean {
  return change.machine === 'lease' && change.provider === provider && change.state === state;
}

function changesIn(log: string, since: number): readonly Change[] {
  const changes: Change[] = [];
  for (const line of log.split('\n')) {
    if (!line.includes('"message":"lease"') && !line.includes('"message":"listener"')) continue;
    const { time, providerId, message, state } = JSON.parse(line) as Record<string, string>;
    const atMs = Date.parse(time ?? '');
    if (atMs >= since)
      changes.push({ atMs, provider: providerId ?? '', machine: message ?? '', state: state ?? '' });
  }
  return changes;
}
