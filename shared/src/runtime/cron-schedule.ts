import { Cron } from 'croner';

/**
 * The first tick after a moment, or null where there is none any more.
 * @param schedule a cron expression of five fields, or six with seconds first; `@daily` and the like
 * @param timeZone an IANA name, as `Europe/Berlin`: an hour that daylight saving time takes away or repeats ticks once
 * @throws RangeError where one of both is none
 */
export function nextTick(schedule: string, timeZone: string, after: Date): Date | null {
  try {
    return new Cron(schedule, { timezone: timeZone, paused: true }).nextRun(after);
  } catch (error) {
    throw new RangeError('not a cron expression, or not a time zone', { cause: error });
  }
}

/** Whether both can be used: the schedule ticks at least once more. */
export function isSchedule(schedule: string, timeZone: string, now: Date): boolean {
  try {
    return nextTick(schedule, timeZone, now) !== null;
  } catch {
    return false;
  }
}
