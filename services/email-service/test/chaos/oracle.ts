/**
 * Judges a run by what is in the mailboxes and what came out of them. Pure.
 *
 * The mailbox is the truth: whatever it holds must have had one effect, whether its sender saw the 250 or not.
 */
import { nameOf } from './message.ts';

export interface MailboxMessage {
  readonly key: string;
  readonly provider: string;
  readonly uidValidity: number;
  readonly uid: number;
  /** Of the bytes that the server shows. */
  readonly sha256: string;
}

/** Anything that came out: `key` is null where it is not one of ours. */
interface Traced {
  readonly key: string | null;
  readonly tenant: string;
}

export interface StreamRecord extends Traced {
  readonly entryId: string;
  readonly provider: string;
  readonly uidValidity: number;
  readonly uid: number;
  readonly rawSha256: string;
  readonly hasWholeBody: boolean;
}

export interface CommentRecord extends Traced {
  readonly hasWholeBody: boolean;
}

export interface GateRecord extends Traced {
  readonly eventId: string;
}

export interface LedgerRecord extends Traced {
  readonly provider: string;
  readonly uidValidity: number;
  readonly uid: number;
  readonly status: string;
  readonly reason: string | null;
  readonly contentHash: string | null;
  /** Of the file in storage; null when there is none. */
  readonly storedSha256: string | null;
}

export interface Evidence {
  /** Ids of tenants, by the index in message keys. */
  readonly tenants: readonly string[];
  /** Keys that the mail server took with a 250. */
  readonly accepted: readonly string[];
  /** Keys whose delivery ended without an answer. */
  readonly unknown: readonly string[];
  readonly mailbox: readonly MailboxMessage[];
  /** In the order of the stream. */
  readonly stream: readonly StreamRecord[];
  readonly comments: readonly CommentRecord[];
  readonly gate: readonly GateRecord[];
  readonly ledger: readonly LedgerRecord[];
  /** Keys in the dead-letter stream. */
  readonly deadLetters: readonly (string | null)[];
  /** Processes that ended although nobody asked for it, or not as asked. */
  readonly crashes: readonly string[];
  /** Writes of one who did not hold the lease, seen by the database. */
  readonly staleWrites: readonly string[];
  /** Signs of two who both believed they held a lease, where nothing that happened allows for it. */
  readonly twoOwners: readonly string[];
  /** A store lost what it had confirmed: the stream may repeat itself then, effects may not. */
  readonly hadLosses: boolean;
}

export const COLUMNS = [
  'lost',
  'duplicated stream',
  'duplicated effect',
  'phantom',
  'out of order',
  'cross-tenant',
  'stale write',
  'two owners',
  'raw wrong',
  'unsettled',
  'crashed',
] as const;
export type Column = (typeof COLUMNS)[number];

export interface Verdict {
  /** Each finding in words. */
  readonly findings: Readonly<Record<Column, readonly string[]>>;
  /** Valid messages that were given up, visibly: none is expected, none is lost. */
  readonly deadLettered: readonly string[];
  /** Accepted, and in no mailbox: the mail server's doing, or the harness is wrong. */
  readonly gone: readonly string[];
  readonly isClean: boolean;
}

export function judge(evidence: Evidence): Verdict {
  const inMailbox = new Map(evidence.mailbox.map((message) => [message.key, message]));
  const effects = countBy(evidence.comments);
  const gates = countBy(evidence.gate);
  const streamed = countBy(evidence.stream);
  const dead = new Set([
    ...evidence.deadLetters.filter((key) => key !== null),
    ...evidence.ledger.filter((row) => row.status === 'dead_letter').map((row) => row.key ?? '?'),
  ]);
  const known = new Set([...inMailbox.keys(), ...evidence.accepted, ...evidence.unknown]);

  const findings: Record<Column, readonly string[]> = {
    lost: [...inMailbox.values()]
      .filter(({ key }) => !effects.has(key) && !dead.has(key))
      .map((message) => `${message.key} (uid ${message.uid}): ${whereabouts(evidence, message)}`),
    'duplicated stream': evidence.hadLosses ? [] : repeated(streamed, 'entries'),
    'duplicated effect': [
      ...repeated(effects, 'comments'),
      ...repeated(gates, 'gate rows'),
      ...oneSided(effects, gates),
    ],
    phantom: [
      ...strangers(evidence.stream, known, 'stream'),
      ...strangers(evidence.comments, known, 'comments'),
      ...strangers(evidence.ledger, known, 'ledger'),
      ...strangers(evidence.gate, known, 'gate'),
    ],
    'out of order': evidence.hadLosses ? [] : outOfOrder(evidence.stream),
    'cross-tenant': crossTenant(evidence),
    'stale write': evidence.staleWrites,
    'two owners': evidence.twoOwners,
    'raw wrong': rawWrong(evidence, inMailbox),
    unsettled: evidence.ledger
      .filter((row) => !['processed', 'skipped', 'dead_letter'].includes(row.status))
      .map((row) => `${row.key} is ${row.status} in the ledger`)
      .concat(withoutLedger(evidence)),
    crashed: evidence.crashes,
  };
  const gone = evidence.accepted.filter((key) => !inMailbox.has(key));
  const isClean = COLUMNS.every((column) => findings[column].length === 0) && gone.length === 0;
  return { findings, deadLettered: [...dead], gone, isClean };
}

function whereabouts({ stream, ledger }: Evidence, { key }: MailboxMessage): string {
  const row = ledger.find((candidate) => candidate.key === key);
  const entry = stream.find((candidate) => candidate.key === key);
  return `${row === undefined ? 'no ledger row' : `ledger ${row.status}`}, ${entry === undefined ? 'not in the stream' : `entry ${entry.entryId}`}`;
}

function countBy(records: readonly Traced[]): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  for (const { key } of records) if (key !== null) counts.set(key, (counts.get(key) ?? 0) + 1);
  return counts;
}

function repeated(counts: ReadonlyMap<string, number>, what: string): readonly string[] {
  return [...counts].filter(([, count]) => count > 1).map(([key, count]) => `${key}: ${count} ${what}`);
}

/** The gate and the effect are one transaction: neither is without the other. */
function oneSided(
  effects: ReadonlyMap<string, number>,
  gates: ReadonlyMap<string, number>,
): readonly string[] {
  return [
    ...[...effects.keys()]
      .filter((key) => !gates.has(key))
      .map((key) => `${key}: a comment without a gate row`),
    ...[...gates.keys()]
      .filter((key) => !effects.has(key))
      .map((key) => `${key}: a gate row without a comment`),
  ];
}

function strangers(records: readonly Traced[], known: ReadonlySet<string>, where: string): readonly string[] {
  return records
    .filter(({ key }) => key === null || !known.has(key))
    .map(({ key }) => `${key ?? 'something that nobody sent'} in the ${where}`);
}

/** First appearances of one folder, in the order of its UIDs. */
function outOfOrder(stream: readonly StreamRecord[]): readonly string[] {
  const highest = new Map<string, number>();
  const seen = new Set<string>();
  const findings: string[] = [];
  for (const { key, provider, uidValidity, uid, entryId } of stream) {
    const folder = `${provider}/${uidValidity}`;
    if (seen.has(`${folder}/${uid}`)) continue;
    seen.add(`${folder}/${uid}`);
    const before = highest.get(folder) ?? 0;
    if (uid < before) findings.push(`${key} (uid ${uid}) at ${entryId} comes after uid ${before}`);
    highest.set(folder, Math.max(before, uid));
  }
  return findings;
}

function crossTenant({ tenants, stream, comments, ledger, gate }: Evidence): readonly string[] {
  const isForeign = ({ key, tenant }: Traced): boolean => {
    const name = key === null ? null : nameOf(key);
    return name !== null && tenants[name.tenant] !== tenant;
  };
  const places = { stream, comments, ledger, gate };
  return Object.entries(places).flatMap(([where, records]) =>
    records.filter(isForeign).map(({ key }) => `${key} in the ${where} of another tenant`),
  );
}

function rawWrong(evidence: Evidence, inMailbox: ReadonlyMap<string, MailboxMessage>): readonly string[] {
  const findings: string[] = [];
  const compare = (key: string | null, found: string | null, where: string): void => {
    const expected = inMailbox.get(key ?? '')?.sha256;
    if (expected !== undefined && found !== expected) findings.push(`${key}: other bytes in ${where}`);
  };
  for (const row of evidence.ledger) {
    // Known from before a change of UIDVALIDITY: the bytes are with the other row.
    if (row.status === 'skipped') continue;
    compare(row.key, row.contentHash, 'the ledger');
    compare(row.key, row.storedSha256, 'storage');
  }
  for (const entry of evidence.stream) {
    compare(entry.key, entry.rawSha256, 'the stream');
    if (!entry.hasWholeBody) findings.push(`${entry.key}: other body in the stream`);
  }
  for (const comment of evidence.comments)
    if (!comment.hasWholeBody) findings.push(`${comment.key}: other body in the comment`);
  return findings;
}

/** An effect whose message the ledger does not know cannot be looked up by anybody. */
function withoutLedger({ comments, ledger }: Evidence): readonly string[] {
  const recorded = new Set(ledger.map(({ key }) => key));
  return comments
    .filter(({ key }) => !recorded.has(key))
    .map(({ key }) => `${key} has an effect and no ledger row`);
}
