/** The oracle sees: each kind of damage, done to a clean run, is found, in its column and in no other. */
import { describe, expect, it } from 'vitest';
import {
  COLUMNS,
  judge,
  type Column,
  type Evidence,
  type LedgerRecord,
  type StreamRecord,
} from './oracle.ts';

const TENANTS = ['tenant-a', 'tenant-b'];

function entry(n: number, change: Partial<StreamRecord> = {}): StreamRecord {
  return {
    key: `t0m0n${n}`,
    tenant: 'tenant-a',
    entryId: `${n}-0`,
    provider: 'p',
    uidValidity: 1,
    uid: n,
    rawSha256: `hash${n}`,
    hasWholeBody: true,
    ...change,
  };
}

function row(n: number, change: Partial<LedgerRecord> = {}): LedgerRecord {
  return {
    key: `t0m0n${n}`,
    tenant: 'tenant-a',
    provider: 'p',
    uidValidity: 1,
    uid: n,
    status: 'processed',
    reason: null,
    contentHash: `hash${n}`,
    storedSha256: `hash${n}`,
    ...change,
  };
}

const comment = (n: number, tenant = 'tenant-a') => ({ key: `t0m0n${n}`, tenant, hasWholeBody: true });
const gate = (n: number, tenant = 'tenant-a') => ({ key: `t0m0n${n}`, tenant, eventId: `e${n}` });

const NUMBERS = [1, 2, 3];
const CLEAN: Evidence = {
  tenants: TENANTS,
  accepted: NUMBERS.map((n) => `t0m0n${n}`),
  unknown: [],
  mailbox: NUMBERS.map((n) => ({
    key: `t0m0n${n}`,
    provider: 'p',
    uidValidity: 1,
    uid: n,
    sha256: `hash${n}`,
  })),
  stream: NUMBERS.map((n) => entry(n)),
  comments: NUMBERS.map((n) => comment(n)),
  gate: NUMBERS.map((n) => gate(n)),
  ledger: NUMBERS.map((n) => row(n)),
  deadLetters: [],
  crashes: [],
  staleWrites: [],
  twoOwners: [],
  hadLosses: false,
};

function dirtyColumns(change: Partial<Evidence>): readonly Column[] {
  const { findings } = judge({ ...CLEAN, ...change });
  return COLUMNS.filter((column) => findings[column].length > 0);
}

describe('the oracle', () => {
  it('finds nothing in a clean run', () => {
    expect(judge(CLEAN)).toMatchObject({ isClean: true, deadLettered: [], gone: [] });
  });

  it.each<[string, Partial<Evidence>, readonly Column[]]>([
    ['an effect is missing', { comments: CLEAN.comments.slice(1), gate: CLEAN.gate.slice(1) }, ['lost']],
    [
      'nothing knows a message that lies in the mailbox',
      {
        comments: CLEAN.comments.slice(1),
        gate: CLEAN.gate.slice(1),
        ledger: CLEAN.ledger.slice(1),
        stream: CLEAN.stream.slice(1),
      },
      ['lost'],
    ],
    [
      'a message whose sender got no answer is missing',
      {
        accepted: CLEAN.accepted.slice(1),
        unknown: ['t0m0n1'],
        comments: CLEAN.comments.slice(1),
        gate: CLEAN.gate.slice(1),
      },
      ['lost'],
    ],
    ['an entry is twice in the stream', { stream: [...CLEAN.stream, entry(3)] }, ['duplicated stream']],
    ['there are two comments', { comments: [...CLEAN.comments, comment(2)] }, ['duplicated effect']],
    ['there are two gate rows', { gate: [...CLEAN.gate, gate(2)] }, ['duplicated effect']],
    [
      'the gate was passed without an effect',
      { comments: CLEAN.comments.slice(1), deadLetters: ['t0m0n1'] },
      ['duplicated effect'],
    ],
    [
      'something nobody sent came out',
      { stream: [...CLEAN.stream, entry(9)], ledger: [...CLEAN.ledger, row(9)] },
      ['phantom'],
    ],
    ['an entry overtook another', { stream: [entry(1), entry(3), entry(2)] }, ['out of order']],
    [
      'a comment is in another tenant',
      { comments: [comment(1, 'tenant-b'), comment(2), comment(3)] },
      ['cross-tenant'],
    ],
    [
      'stored bytes are others',
      { ledger: [row(1, { storedSha256: 'other' }), row(2), row(3)] },
      ['raw wrong'],
    ],
    [
      'the file in storage is gone',
      { ledger: [row(1, { storedSha256: null }), row(2), row(3)] },
      ['raw wrong'],
    ],
    [
      'the event names other bytes',
      { stream: [entry(1, { rawSha256: 'other' }), entry(2), entry(3)] },
      ['raw wrong'],
    ],
    ['a body is cut', { stream: [entry(1, { hasWholeBody: false }), entry(2), entry(3)] }, ['raw wrong']],
    [
      'a row never left the state published',
      { ledger: [row(1, { status: 'published' }), row(2), row(3)] },
      ['unsettled'],
    ],
    ['an effect has no ledger row', { ledger: CLEAN.ledger.slice(1) }, ['unsettled']],
    ['a process ended by itself', { crashes: ['daemon-1.1 ended with 1'] }, ['crashed']],
  ])('when %s', (_name, change, columns) => {
    expect(dirtyColumns(change)).toEqual(columns);
    expect(judge({ ...CLEAN, ...change }).isClean).toBe(false);
  });

  it('lets a visible dead letter pass, and names it', () => {
    const verdict = judge({
      ...CLEAN,
      comments: CLEAN.comments.slice(1),
      gate: CLEAN.gate.slice(1),
      ledger: [row(1, { status: 'dead_letter', reason: 'X' }), row(2), row(3)],
    });
    expect(verdict).toMatchObject({ isClean: true, deadLettered: ['t0m0n1'] });
  });

  it('takes a row that was skipped after a change of UIDVALIDITY for what it is', () => {
    const skipped = row(1, {
      uidValidity: 2,
      uid: 7,
      status: 'skipped',
      contentHash: null,
      storedSha256: null,
    });
    expect(judge({ ...CLEAN, ledger: [...CLEAN.ledger, skipped] }).isClean).toBe(true);
  });

  it('lets the stream repeat itself after a store lost data, but not the effects', () => {
    const repeatedStream = { hadLosses: true, stream: [...CLEAN.stream, entry(1)] };
    expect(dirtyColumns(repeatedStream)).toEqual([]);
    expect(dirtyColumns({ ...repeatedStream, comments: [...CLEAN.comments, comment(1)] })).toEqual([
      'duplicated effect',
    ]);
  });

  it('says so when the mail server lost what it had taken', () => {
    expect(judge({ ...CLEAN, accepted: [...CLEAN.accepted, 't0m0n4'] })).toMatchObject({
      isClean: false,
      gone: ['t0m0n4'],
    });
  });
});
