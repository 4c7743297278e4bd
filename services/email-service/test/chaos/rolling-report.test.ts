import { expect, it } from 'vitest';
import { judge } from './oracle.ts';
import { rollingFindings, rollingLines } from './rolling-report.ts';
import type { RollingRestarts } from './rolling-restart.ts';

const NOTHING = {
  tenants: [],
  accepted: [],
  unknown: [],
  mailbox: [],
  stream: [],
  comments: [],
  gate: [],
  ledger: [],
  deadLetters: [],
  crashes: [],
  staleWrites: [],
  twoOwners: [],
  hadLosses: false,
};

const clean: RollingRestarts = {
  replicas: 3,
  restarts: [{ readyMs: 1_500, endedMs: 300 }],
  verdict: judge(NOTHING),
  hasConverged: true,
  messages: 2,
  calmMs: [500],
  rollingMs: [500, 2_000],
};

it('a run without losses, doubles and delays has no findings, and says so', () => {
  expect(rollingFindings(clean)).toEqual([]);
  expect(rollingLines(clean).join('\n')).toContain('none lost, none doubled, none delayed');
});

it.each<[what: string, result: Partial<RollingRestarts>]>([
  [
    'lost: t0m0n1',
    {
      verdict: judge({
        ...NOTHING,
        mailbox: [{ key: 't0m0n1', provider: 'p', uidValidity: 1, uid: 1, sha256: 'x' }],
      }),
    },
  ],
  ['crashed: daemon-1.1', { verdict: judge({ ...NOTHING, crashes: ['daemon-1.1 ended with SIGKILL'] }) }],
  ['accepted, in no mailbox: t0m0n2', { verdict: judge({ ...NOTHING, accepted: ['t0m0n2'] }) }],
  ['not everything was settled', { hasConverged: false }],
  ['1 messages were delayed by more than 2000 ms: 2001', { rollingMs: [500, 2_001] }],
])('%s is told', (says, result) => {
  const lines = rollingLines({ ...clean, ...result });
  expect(lines.join('\n')).toContain(says);
  expect(lines.join('\n')).toContain('NOT clean');
});
