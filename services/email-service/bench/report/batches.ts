/** From the statements of an ingest, in order: how many a batch takes. */

export interface Batches {
  readonly batches: number;
  readonly perBatch: number;
  /** Of what was counted, the most frequent first. */
  readonly byText: readonly (readonly [text: string, count: number])[];
}

const isCommit = (text: string): boolean => text.includes('INSERT INTO inbound_messages');
/** Beats and looks go on meanwhile, as they always do. */
const isOfMessages = (text: string): boolean =>
  /\b(?:inbound_messages|ingest_attempts|folder_state)\b/.test(text);

/**
 * Counted is what comes after the first commit up to the last one: whole batches, without what opening the folder took.
 * @throws for fewer than two batches
 */
export function perBatch(texts: readonly string[]): Batches {
  const [first, last] = [texts.findIndex(isCommit), texts.findLastIndex(isCommit)];
  if (first === last) throw new Error('fewer than two batches: nothing to count');
  const between = texts.slice(first + 1, last + 1).filter(isOfMessages);
  const batches = between.filter(isCommit).length;
  const counts = new Map<string, number>();
  for (const text of between) counts.set(text, (counts.get(text) ?? 0) + 1);
  return {
    batches,
    perBatch: between.length / batches,
    byText: [...counts].sort(([, a], [, b]) => b - a),
  };
}
