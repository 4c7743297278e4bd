/** How much is measured: everything, or what fits into two minutes. */

export interface Sizes {
  readonly ingest: {
    readonly messages: number;
    readonly runs: number;
    /** getmail is slow: once, and only with all messages. */
    readonly withGetmail: boolean;
  };
  readonly latency: {
    readonly lanes: number;
    readonly messagesPerLane: number;
    readonly runs: number;
  };
  readonly listeners: {
    /** Those of a group are measured side by side. */
    readonly groups: readonly (readonly number[])[];
    /** Idle time over which processor time is counted, milliseconds. */
    readonly windowMs: number;
  };
  readonly coldStart: { readonly folders: number; readonly runs: number };
  readonly database: { readonly messages: number; readonly mailboxes: number; readonly beats: number };
  readonly takeover: {
    readonly runs: number;
    readonly leaseTtlMs: number;
  };
  readonly memory: {
    readonly largeBytes: number;
    readonly largeRuns: number;
    readonly floodMailboxes: number;
    readonly floodBytes: number;
  };
  readonly fairness: { readonly backlog: number; readonly messages: number; readonly runs: number };
  readonly growth: { readonly ledgerRows: readonly number[]; readonly messages: number };
}

/**
 * A watched folder is looked at every five minutes and its IDLE is renewed once between: a shorter window would see neither, or all
 * of them at once.
 */
const WATCH_CYCLE_MS = 300_000;

export const FULL: Sizes = {
  ingest: { messages: 5_000, runs: 5, withGetmail: true },
  latency: { lanes: 5, messagesPerLane: 80, runs: 3 },
  listeners: { groups: [[100, 1_000, 3_000], [10_000]], windowMs: WATCH_CYCLE_MS },
  coldStart: { folders: 3_000, runs: 5 },
  database: { messages: 5_000, mailboxes: 1_000, beats: 3 },
  takeover: { runs: 5, leaseTtlMs: 30_000 },
  memory: {
    largeBytes: 500_000_000,
    largeRuns: 3,
    floodMailboxes: 1_000,
    floodBytes: 25_000_000,
  },
  fairness: { backlog: 100_000, messages: 600, runs: 5 },
  growth: { ledgerRows: [1_000, 10_000, 100_000, 1_000_000], messages: 2_000 },
};

export const QUICK: Sizes = {
  ingest: { messages: 600, runs: 3, withGetmail: false },
  latency: { lanes: 4, messagesPerLane: 12, runs: 1 },
  listeners: { groups: [[300]], windowMs: 8_000 },
  coldStart: { folders: 150, runs: 1 },
  database: { messages: 600, mailboxes: 20, beats: 1 },
  takeover: { runs: 1, leaseTtlMs: 3_000 },
  memory: { largeBytes: 500_000_000, largeRuns: 1, floodMailboxes: 16, floodBytes: 25_000_000 },
  fairness: { backlog: 15_000, messages: 60, runs: 1 },
  growth: { ledgerRows: [1_000, 20_000], messages: 400 },
};
