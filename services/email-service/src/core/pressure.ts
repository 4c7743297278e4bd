/**
 * When fetching pauses and when it goes on, pure. One valve for each thing that can be full:
 *
 * ```
 *            fault, or above the high mark
 *   OPEN ────────────────────────────────────▶ SHUT { code, notBeforeMs }   ⟲ another code
 *    ▲                                           │
 *    └──── below the low mark, works again, and notBeforeMs has passed
 * ```
 *
 * Between the marks nothing changes. A valve shut by a fault soon after it was opened stays shut longer each time: what could be
 * measured said that there was room, and there was not.
 */

/** Above `high` it is full, below `low` there is room; in any unit. */
export interface Marks {
  readonly high: number;
  readonly low: number;
}

export type Level = 'full' | 'between' | 'free';

export function levelOf(value: number, { high, low }: Marks): Level {
  if (value >= high) return 'full';
  return value <= low ? 'free' : 'between';
}

export type Valve =
  | { readonly kind: 'open'; readonly openedMs: number; readonly faults: number }
  | { readonly kind: 'shut'; readonly code: string; readonly notBeforeMs: number; readonly faults: number };

export const OPEN: Valve = { kind: 'open', openedMs: -Infinity, faults: 0 };

/** First pause after a fault; doubles up to the second number while faults follow one another. */
const PAUSE_MS = { first: 1_000, last: 60_000 };
/** A valve that stood open for so long has proved that there was room. */
const PROVEN_MS = 300_000;

/** Something was refused. */
export function shutByFault(valve: Valve, code: string, nowMs: number): Valve {
  // More of the same: what was in flight when it filled up.
  if (valve.kind === 'shut') return { ...valve, code };
  const faults = nowMs - valve.openedMs < PROVEN_MS ? valve.faults + 1 : 1;
  const pauseMs = Math.min(PAUSE_MS.first * 2 ** (faults - 1), PAUSE_MS.last);
  return { kind: 'shut', code, notBeforeMs: nowMs + pauseMs, faults };
}

/** It was found full before anything was refused. */
export function shutByMeasure(valve: Valve, code: string): Valve {
  if (valve.kind === 'shut') return { ...valve, code };
  return { kind: 'shut', code, notBeforeMs: -Infinity, faults: valve.faults };
}

/** There is room, and it works. */
export function openIfDue(valve: Valve, nowMs: number): Valve {
  if (valve.kind === 'open' || nowMs < valve.notBeforeMs) return valve;
  return { kind: 'open', openedMs: nowMs, faults: valve.faults };
}

const MIB = 1024 * 1024;

/** Room on a disk that is left alone: 64 MiB, or a twentieth of a small disk. Twice as much must be free to go on. */
export function diskLevel({
  freeBytes,
  totalBytes,
}: {
  readonly freeBytes: number;
  readonly totalBytes: number;
}): Level {
  const reserve = Math.min(64 * MIB, totalBytes / 20);
  if (freeBytes <= reserve) return 'full';
  return freeBytes >= 2 * reserve ? 'free' : 'between';
}
