/** Several runs of one thing, and what is said of them. */

export interface Series {
  /** `ingest: mailstream`. */
  readonly name: string;
  readonly unit: string;
  /** One for each run. */
  readonly values: readonly number[];
}

export interface Spread {
  readonly runs: number;
  readonly min: number;
  readonly median: number;
  readonly max: number;
}

/** @throws for no values: a figure that was not measured must not look like one */
export function spread(values: readonly number[]): Spread {
  const sorted = [...values].sort((a, b) => a - b);
  return {
    runs: sorted.length,
    min: quantile(sorted, 0),
    median: quantile(sorted, 0.5),
    max: quantile(sorted, 1),
  };
}

export function median(values: readonly number[]): number {
  return quantile(values, 0.5);
}

/**
 * Between the two nearest values, in proportion.
 * @param share 0 is the least, 1 the most
 * @throws for no values
 */
export function quantile(values: readonly number[], share: number): number {
  if (values.length === 0) throw new RangeError('no values');
  const sorted = [...values].sort((a, b) => a - b);
  const at = share * (sorted.length - 1);
  const below = sorted[Math.floor(at)] ?? 0;
  const above = sorted[Math.ceil(at)] ?? 0;
  return below + (above - below) * (at - Math.floor(at));
}

/** To so many digits that the next would be noise. */
export function rounded(value: number): number {
  if (value === 0 || !Number.isFinite(value)) return value;
  const digits = Math.max(0, 2 - Math.floor(Math.log10(Math.abs(value))));
  return Number(value.toFixed(Math.min(digits, 3)));
}
