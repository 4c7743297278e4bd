/**
 * The machine lacks something, and the person at the terminal can mend it. The message is for them, whole: what is missing
 * and what to do. Ends the program with `exitCode`, without a stack.
 */
export class SetupError extends Error {
  override readonly name = 'SetupError';
  readonly exitCode: number;

  constructor(message: string, exitCode: number, options?: ErrorOptions) {
    super(message, options);
    this.exitCode = exitCode;
  }
}

/** EX_UNAVAILABLE of sysexits.h: a program that we need is not there. */
export const EXIT_MISSING = 69;
