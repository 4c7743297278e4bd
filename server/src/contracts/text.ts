/** Text fields that every contract uses. None of them lets a control character pass: no NUL for PostgreSQL, no CR LF for IMAP. */
import { z } from 'zod';

// C0, DEL, C1 and the two Unicode line separators.
// eslint-disable-next-line no-control-regex -- refusing exactly these is the point
const CONTROL = /[\u0000-\u001f\u007f-\u009f\u2028\u2029]/;

/** One line of 1 to `max` characters without control characters, surrounding blanks removed. */
export function line(max: number): z.ZodString {
  return z
    .string()
    .trim()
    .min(1)
    .max(max)
    .refine((value) => !CONTROL.test(value), 'This must be one line without control characters.');
}

/** As `line`, but taken exactly as typed: blanks at the ends belong to a password or a folder name. */
export function exactLine(max: number): z.ZodString {
  return z
    .string()
    .min(1)
    .max(max)
    .refine((value) => !CONTROL.test(value), 'This must be one line without control characters.');
}

/** ISO 8601 with offset, e.g. `2026-11-21T02:30:00.000Z`. */
export const timestamp = z.iso.datetime();
