/** A replica comes and one goes while mail arrives. `npm run bench -- fleet` does the same with 300 mailboxes and times the messages. */
import { expect, it } from 'vitest';
import { useWorld } from './daemon.ts';
import { measureMoves } from './fleet-moves.ts';

const world = await useWorld();

it(
  'a replica that comes or goes leaves shares within a tenth of the fair one, and every message arrives once',
  { timeout: 180_000 },
  async () => {
    const moves = await measureMoves({
      world,
      servers: 6,
      mailboxesEach: 10,
      everyMs: 250,
      calmMs: 2_000,
      env: { IMAP_STARTUP_STAGGER_MS: '2000' },
    });
    expect([moves.missing, moves.doubled]).toEqual([0, 0]);
    expect(moves.come.shares.every((share) => share >= 18 && share <= 22)).toBe(true);
    expect(moves.go.shares.every((share) => share >= 27 && share <= 33)).toBe(true);
  },
);
