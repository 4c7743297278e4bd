/** The figures of DESIGN section 9, as `--json` writes them. Parts that were not measured are missing. */

export interface Figures {
  readonly ingest?: {
    readonly msgPerSecond: number;
    /** To imapflow that only fetches. */
    readonly ratioToFetch: number;
    readonly ratioToSimpleParser: number;
  };
  readonly latency?: {
    readonly p50Ms: number;
    readonly p99Ms: number;
    readonly floorP50Ms: number;
    readonly floorP99Ms: number;
  };
  readonly listener?: {
    readonly count: number;
    readonly kibEach: number;
    /** Of one core. */
    readonly idleCpuPercent: number;
  };
  readonly coldStart?: {
    readonly seconds: number;
    /** To bare imapflow on the same server. */
    readonly ratio: number;
  };
  readonly database?: {
    readonly statementsPerBatch: number;
    readonly renewalsPerBeat: number;
  };
  readonly takeover?: {
    readonly sigkillSeconds: number;
    readonly sigtermSeconds: number;
    readonly leaseTtlSeconds: number;
  };
  readonly memory?: {
    readonly peakMib500MbMessage: number;
    readonly peakMibFlood: number;
  };
  readonly fairness?: {
    /** Of a quiet tenant's p99 while another works off a backlog, to its p99 alone. */
    readonly quietP99Ratio: number;
  };
}

export interface Machine {
  readonly cpu: string;
  readonly cores: number;
  readonly memoryGib: number;
  readonly system: string;
  readonly node: string;
  readonly postgresql: string;
  readonly redis: string;
  readonly dovecot: string;
}

export interface Report extends Figures {
  readonly machine: Machine;
  /** With `-dirty` where files differ from it. */
  readonly commit: string;
}
