/** Times, numbers and sizes in the reader's language and time zone. */
import { locale } from './texts.ts';

const UNITS: readonly [Intl.RelativeTimeFormatUnit, number][] = [
  ['year', 31_536_000],
  ['month', 2_592_000],
  ['day', 86_400],
  ['hour', 3600],
  ['minute', 60],
];

const relative = new Intl.RelativeTimeFormat(locale, { numeric: 'auto', style: 'long' });
const absolute = new Intl.DateTimeFormat(locale, { dateStyle: 'medium', timeStyle: 'medium' });
const plain = new Intl.NumberFormat(locale, { maximumFractionDigits: 1 });

/** "3 minutes ago"; clocks that differ a little never give a time in the future. */
export function age(iso: string, now: number): string {
  const seconds = Math.max(0, Math.round((now - Date.parse(iso)) / 1000));
  for (const [unit, length] of UNITS)
    if (seconds >= length) return relative.format(-Math.floor(seconds / length), unit);
  return relative.format(-seconds, 'second');
}

export function dateTime(iso: string): string {
  return absolute.format(new Date(iso));
}

export function number(value: number): string {
  return plain.format(value);
}

const LENGTHS: readonly [string, number][] = [
  ['day', 86_400],
  ['hour', 3600],
  ['minute', 60],
  ['second', 1],
];

/** "3 min": how long something took or has been so. */
export function duration(seconds: number): string {
  const [unit, length] = LENGTHS.find(([, size]) => seconds >= size) ?? ['second', 1];
  const value = length === 1 ? seconds : Math.floor(seconds / length);
  return new Intl.NumberFormat(locale, {
    style: 'unit',
    unit,
    unitDisplay: 'short',
    maximumFractionDigits: 1,
  }).format(value);
}

export function bytes(size: number): string {
  if (size < 1024) return `${number(size)} B`;
  const units = ['KB', 'MB', 'GB'];
  let value = size / 1024;
  let unit = 0;
  while (value >= 1024 && unit < units.length - 1) {
    value /= 1024;
    unit += 1;
  }
  return `${number(value < 10 ? value : Math.round(value))} ${units[unit] ?? ''}`;
}
