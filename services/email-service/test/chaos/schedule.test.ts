import { describe, expect, it } from 'vitest';
import { seeded } from './random.ts';
import { describeSchedule, drawSchedule, LOSSES, type FaultKind, type ScheduledFault } from './schedule.ts';

const draw = (seed: number, withLosses = false): readonly ScheduledFault[] =>
  drawSchedule({
    random: seeded(seed),
    windowMs: 15_000,
    leaseTtlMs: 3_000,
    daemons: ['daemon-1', 'daemon-2', 'daemon-3'],
    workers: ['worker-1', 'worker-2'],
    links: ['imap-0', 'daemon-1→redis', 'worker-1→postgres'],
    mailboxes: 4,
    withLosses,
  });
const many = Array.from({ length: 500 }, (_, seed) => draw(seed, seed % 2 === 1));

describe('a schedule', () => {
  it('is the same for the same seed and another for another', () => {
    expect(draw(7)).toEqual(draw(7));
    expect(draw(7)).not.toEqual(draw(8));
  });

  it('never hits a target that has not recovered from the fault before', () => {
    for (const schedule of many) {
      const over = new Map<string, number>();
      for (const { atMs, forMs, fault } of schedule.filter(({ fault: { kind } }) => !LOSSES.has(kind))) {
        expect(over.get(fault.target) ?? 0).toBeLessThanOrEqual(atMs);
        over.set(fault.target, atMs + forMs);
      }
    }
  });

  it('loses data only when that is asked for, and then in every schedule', () => {
    for (const [seed, schedule] of many.entries())
      expect(schedule.some(({ fault }) => LOSSES.has(fault.kind))).toBe(seed % 2 === 1);
  });

  it('has every kind of fault sooner or later', () => {
    const kinds = new Set<FaultKind>(many.flat().map(({ fault }) => fault.kind));
    expect([...kinds].sort()).toEqual(
      [
        ...[
          'kill',
          'killAtStep',
          'freeze',
          'freezeAtStep',
          'terminate',
          'stepClock',
          'restartServer',
          'killServer',
        ],
        ...['fullRedis', 'flickeringRedis', 'fullStorage', 'newUidValidity', 'replaceMailbox', 'readMail'],
        ...['emptyRedis', 'cutRedisTail', 'restorePostgres'],
        ...['resetLink', 'endLink', 'refuseLink', 'blackHole', 'weather'],
      ].sort(),
    );
  });

  it('freezes some daemons for longer than a lease lasts', () => {
    const freezes = many.flat().filter(({ fault, forMs }) => fault.kind === 'freeze' && forMs > 3_000);
    expect(freezes.length).toBeGreaterThan(50);
  });

  it('is printed with a line for each fault', () => {
    expect(
      describeSchedule([
        { atMs: 1_500, forMs: 250, fault: { kind: 'killAtStep', target: 'daemon-1', step: 'stored' } },
      ]),
    ).toEqual(['+  1.50 s  killAtStep daemon-1 step=stored  for 0.25 s']);
  });
});
