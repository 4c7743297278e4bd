/**
 * Loaded before a service (`node --import`). Makes the file in `CHAOS_HANDLERS_FILE` when the service handles SIGTERM itself: from
 * then on a SIGTERM must end in an orderly stop.
 *
 * And its clock: on SIGUSR2 its wall clock steps by the milliseconds that the file in
 * `CHAOS_CLOCK_FILE` names, as after a correction by NTP or a resumed virtual machine. Timers and `performance.now()` follow the
 * monotonic clock, which does not step in reality either.
 */
import { readFileSync, writeFileSync } from 'node:fs';

const RealDate = Date;
let offsetMs = 0;

globalThis.Date = class extends RealDate {
  constructor(...args) {
    if (args.length === 0) super(RealDate.now() + offsetMs);
    else super(...args);
  }

  static now() {
    return RealDate.now() + offsetMs;
  }

  // Dates that came from a worker thread are of the first class.
  static [Symbol.hasInstance](value) {
    return value instanceof RealDate;
  }
};

process.on('SIGUSR2', () => {
  offsetMs = Number(readFileSync(process.env.CHAOS_CLOCK_FILE ?? '', 'utf8'));
});

process.on('newListener', (name) => {
  if (name === 'SIGTERM') queueMicrotask(() => writeFileSync(process.env.CHAOS_HANDLERS_FILE ?? '', ''));
});
