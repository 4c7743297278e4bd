export type HttpRefusal = 'redirect' | 'too_large' | 'timeout' | 'encoding' | 'network' | 'aborted';

/** The exchange broke off, for the reason in `reason`. Holds no part of the request or of the answer. */
export class HttpRefusedError extends Error {
  override readonly name = 'HttpRefusedError';
  readonly reason: HttpRefusal;

  constructor(reason: HttpRefusal, detail: string) {
    super(`${reason}: ${detail}`);
    this.reason = reason;
  }
}
