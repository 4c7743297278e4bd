/** What one part of the bench gets and gives. */
import type { Figures } from '../report/figures.ts';
import type { Series } from '../report/statistics.ts';
import type { Sizes } from '../sizes.ts';
import type { Servers } from '../world/servers.ts';

export interface PartContext {
  readonly servers: Servers;
  readonly sizes: Sizes;
  /** Progress, for who waits. */
  readonly say: (line: string) => void;
}

export interface PartResult {
  readonly figures: Figures;
  readonly series: readonly Series[];
}

export type Part = (context: PartContext) => Promise<PartResult>;
