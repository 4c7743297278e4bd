/**
 * Cursors of keyset pagination: the sort values of the last row shown, opaque to callers. Rows that arrive or leave meanwhile
 * shift nothing. Timestamps travel as text with microseconds, which a Date would cut off.
 */
import { z } from 'zod';
import { ApiError } from '../api-error.ts';

const schema = z.tuple([z.string().max(400), z.uuid()]);
export type Position = z.infer<typeof schema>;

/** SQL for a timestamp with microseconds, in UTC. `column` is ours, never input. */
export function exactTime(column: string): string {
  return `to_char(${column} AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')`;
}

const EXACT_TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/;

export function encodeCursor(position: Position): string {
  return Buffer.from(JSON.stringify(position)).toString('base64url');
}

/** @throws ApiError VALIDATION_FAILED for anything that `encodeCursor` did not make. */
export function decodeCursor(cursor: string, kind: 'text' | 'time'): Position {
  try {
    const position = schema.parse(JSON.parse(Buffer.from(cursor, 'base64url').toString('utf8')));
    if (kind === 'text' ? position[0].includes('\0') : !isTime(position[0]))
      throw new TypeError('no sort value');
    return position;
  } catch (cause) {
    throw new ApiError('VALIDATION_FAILED', {
      fields: [
        { field: 'cursor', code: 'INVALID', message: 'Use the `nextCursor` of the page before, as it is.' },
      ],
      cause,
    });
  }
}

function isTime(text: string): boolean {
  return EXACT_TIME.test(text) && !Number.isNaN(Date.parse(text));
}

/** Cuts the extra row that a query for `limit + 1` brought and makes the cursor to go on with. */
export function toPage<Row, Item>(
  rows: readonly Row[],
  limit: number,
  map: (row: Row) => Item,
  position: (row: Row) => Position,
): { items: Item[]; nextCursor?: string } {
  const shown = rows.slice(0, limit);
  const last = shown.at(-1);
  const items = shown.map(map);
  return rows.length > limit && last !== undefined
    ? { items, nextCursor: encodeCursor(position(last)) }
    : { items };
}

/** A pattern for ILIKE that finds `text` anywhere, its own wildcards taken literally. */
export function contains(text: string): string {
  return `%${text.replace(/[\\%_]/g, '\\$&')}%`;
}

export function iso(value: Date): string {
  return value.toISOString();
}

export function isoOrNull(value: Date | null): string | null {
  return value === null ? null : value.toISOString();
}
