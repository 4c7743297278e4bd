/** What one message may cost. Beyond these it still becomes an event, with what is known and its raw form. */
export interface ParserLimits {
  /** One message in the worker, milliseconds, plus `wallMsPerMebibyte` for large ones. Past it the thread is ended. */
  readonly wallMs: number;
  readonly wallMsPerMebibyte: number;
  /** JavaScript heap of one thread, MiB. */
  readonly heapMb: number;
  /** MIME parts of all levels. */
  readonly maxParts: number;
  readonly maxDepth: number;
  /** Bytes of one header block, of the message or of a part. */
  readonly maxHeadBytes: number;
  /** Decoded bytes of all text parts together; the rest of a longer body is in the raw form only. */
  readonly maxTextBytes: number;
}

export const DEFAULT_PARSER_LIMITS: ParserLimits = {
  wallMs: 20_000,
  wallMsPerMebibyte: 250,
  heapMb: 256,
  maxParts: 2_000,
  maxDepth: 100,
  maxHeadBytes: 1024 * 1024,
  maxTextBytes: 16 * 1024 * 1024,
};

/** A limit of ours was reached: becomes the event's `parseError`. */
export class ParseLimitError extends Error {
  override readonly name = 'ParseLimitError';
}
