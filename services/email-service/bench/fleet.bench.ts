/** A replica comes and one goes with 300 mailboxes, at the default lease ttl, while mail is delivered: shares, and each message's delay. */
import { expect, it } from 'vitest';
import { useWorld } from '../test/daemon.ts';
import { measureMoves, type Phase } from '../test/fleet-moves.ts';

const world = await useWorld();

it('moves of mailboxes', { timeout: 600_000 }, async () => {
  const moves = await measureMoves({
    world,
    servers: 30,
    mailboxesEach: 10,
    everyMs: 500,
    calmMs: 6_000,
    env: { IMAP_STARTUP_STAGGER_MS: '2000' },
  });
  console.table({ calm: row(moves.calm), 'one comes': row(moves.come), 'one goes': row(moves.go) });
  expect([moves.missing, moves.doubled]).toEqual([0, 0]);
});

function row({ shares, evenAfterMs, delaysMs }: Phase): Record<string, string | number> {
  const at = (share: number): number =>
    delaysMs[Math.min(delaysMs.length - 1, Math.floor(share * delaysMs.length))] ?? 0;
  return {
    shares: shares.join(' '),
    'even after ms': evenAfterMs,
    messages: delaysMs.length,
    'p50 ms': at(0.5),
    'p99 ms': at(0.99),
    'p99.9 ms': at(0.999),
    'max ms': at(1),
  };
}
