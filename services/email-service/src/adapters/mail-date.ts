/**
 * The Date field (RFC 5322 sections 3.3 and 4.3). `Date.parse` is no help: it reads "yesterday +0000" as the year 2000, and takes
 * the zone of this machine where none is given.
 */

const DATE =
  /^(?:[a-z]{2,9}\.?,?\s+)?(\d{1,2})[\s-]+([a-z]{3})[a-z]*\.?[\s-]+(\d{2,4})\s+(\d{1,2}):(\d{1,2})(?::(\d{1,2}))?(?:\.\d+)?\s*([+-]\d{4}|[a-z]{1,5})?(?:\s|$)/i;
const ISO_DATE = /^\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}(:\d{2}(\.\d+)?)?(Z|[+-]\d{2}:?\d{2})$/;
const MONTHS = ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec'];
/** Hours east of UTC. Every other name counts as UTC, as section 4.3 asks for. */
const ZONES = new Map([
  ['edt', -4],
  ['est', -5],
  ['cdt', -5],
  ['cst', -6],
  ['mdt', -6],
  ['mst', -7],
  ['pdt', -7],
  ['pst', -8],
]);

/** ISO 8601 in UTC, or null for what is not a date. Without a zone it is taken as UTC. */
export function mailDate(value: string): string | null {
  const plain = value
    .slice(0, 200)
    .replace(/\([^()]*\)/g, ' ')
    .trim();
  if (ISO_DATE.test(plain)) return isoOrNull(new Date(plain).getTime());
  const match = DATE.exec(plain);
  if (match === null) return null;
  const [, day = '', month = '', year = '', hour = '', minute = '', second = '0', zone = ''] = match;
  const monthIndex = MONTHS.indexOf(month.toLowerCase());
  if (monthIndex === -1 || Number(day) > 31 || Number(hour) > 24 || Number(minute) > 59) return null;
  const local = Date.UTC(
    fullYear(year),
    monthIndex,
    Number(day),
    Number(hour),
    Number(minute),
    Number(second),
  );
  return isoOrNull(local - offsetMs(zone));
}

function fullYear(year: string): number {
  const number = Number(year);
  if (year.length === 2) return number < 50 ? 2000 + number : 1900 + number;
  return year.length === 3 ? 1900 + number : number;
}

function offsetMs(zone: string): number {
  const numeric = /^([+-])(\d{2})(\d{2})$/.exec(zone);
  const hours = ZONES.get(zone.toLowerCase()) ?? 0;
  if (numeric === null) return hours * 3_600_000;
  const minutes = Number(numeric[2]) * 60 + Number(numeric[3]);
  return (numeric[1] === '-' ? -minutes : minutes) * 60_000;
}

function isoOrNull(time: number): string | null {
  if (Number.isNaN(time)) return null;
  const date = new Date(time);
  return date.getUTCFullYear() >= 1 && date.getUTCFullYear() <= 9999 ? date.toISOString() : null;
}
