/** Cursor pagination: `{items, nextCursor?}`; a cursor is opaque, and the last page has none. */
import { z } from 'zod';
import { line } from './text.ts';

export const pageQueryShape = {
  /** Rows per page. */
  limit: z.coerce.number().int().min(1).max(200).default(50),
  cursor: line(512).optional(),
};

export function pageOf<Item extends z.ZodType>(
  item: Item,
): z.ZodObject<{ items: z.ZodArray<Item>; nextCursor: z.ZodOptional<z.ZodString> }> {
  return z.object({ items: z.array(item), nextCursor: z.string().optional() });
}

export interface Page<Item> {
  readonly items: Item[];
  readonly nextCursor?: string;
}
