/**
 * Set-up file of every project: fails a test file that leaves something open, by the name of what it left.
 *
 * Hooks that are registered first run last, so this looks when the file's own clean-up is over.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, expect } from 'vitest';

/**
 * What Node counts as keeping a process alive, and would outlive a file that forgot it. Absent on purpose: pipes and
 * message ports (vitest speaks to its workers through them), requests for files (they end by themselves) and immediates.
 */
const WATCHED = new Set([
  'TCPSocketWrap',
  'TCPServerWrap',
  'TLSWrap',
  'UDPWrap',
  'ProcessWrap',
  'FSEventWrap',
  'Timeout',
]);

/** Sockets and processes that were told to end need a moment to be gone. */
const PATIENCE_MS = 2_000;

function open(): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  for (const kind of process.getActiveResourcesInfo()) {
    if (WATCHED.has(kind)) counts.set(kind, (counts.get(kind) ?? 0) + 1);
  }
  return counts;
}

const before = open();

function left(): readonly string[] {
  return [...open()]
    .filter(([kind, count]) => count > (before.get(kind) ?? 0))
    .map(([kind, count]) => `${count - (before.get(kind) ?? 0)} ${kind}`);
}

afterAll(async () => {
  const deadline = Date.now() + PATIENCE_MS;
  while (left().length > 0 && Date.now() < deadline) await delay(20, undefined, { ref: false });
  expect(left(), 'this test file left something open').toEqual([]);
}, PATIENCE_MS + 5_000);
