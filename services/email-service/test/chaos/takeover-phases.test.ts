import { describe, expect, it } from 'vitest';
import { phasesOf } from './takeover-phases.ts';

const BEGAN = Date.parse('2026-01-01T10:00:00.000Z');
const line = (afterMs: number, message: 'lease' | 'listener', providerId: string, state: string): string =>
  JSON.stringify({ time: new Date(BEGAN + afterMs).toISOString(), message, providerId, state });

const VICTIM = [
  line(-500, 'lease', 'a', 'quiescing'),
  line(1, 'lease', 'a', 'quiescing'),
  line(5, 'lease', 'b', 'quiescing'),
  line(21, 'lease', 'a', 'releasing'),
  line(24, 'lease', 'a', 'stopped'),
].join('\n');
const WINNER = [
  line(30, 'lease', 'a', 'bidding'),
  line(40, 'lease', 'a', 'vacant'),
  line(50, 'lease', 'a', 'bidding'),
  line(60, 'lease', 'a', 'held'),
  line(61, 'listener', 'b', 'syncing'),
  line(90, 'listener', 'a', 'syncing'),
  line(100, 'listener', 'a', 'watching'),
].join('\n');
const LOSER = [line(31, 'lease', 'a', 'bidding'), line(62, 'lease', 'a', 'vacant')].join('\n');

describe('the phases of a takeover', () => {
  it('follow each other, from the signal to the first look, for the mailbox and the daemon that won it', () => {
    expect(phasesOf(VICTIM, [LOSER, WINNER], ['a'], BEGAN)).toEqual([
      { told: 1, quiet: 20, release: 3, notice: 26, acquire: 10, connect: 30, pass: 10 },
    ]);
  });

  it('begin with the bid of another when the daemon was killed and said nothing', () => {
    expect(phasesOf('', [WINNER], ['a'], BEGAN)).toEqual([
      { notice: 50, acquire: 10, connect: 30, pass: 10 },
    ]);
  });

  it('that were not seen are left out', () => {
    expect(phasesOf(VICTIM, [LOSER, WINNER], ['b'], BEGAN)).toEqual([{ told: 5 }]);
  });
});
