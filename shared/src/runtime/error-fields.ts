/**
 * What of an error may be logged. Messages of foreign errors quote their input (a JSON text, an SQL statement, a header line), so
 * a message is kept only where its author is known: our own classes, and a few sentences of the JavaScript engine.
 */
import { FaultError } from '../errors/fault-error.ts';
import { ConfigError } from './env.ts';
import { safeText } from './safe-text.ts';

export interface ErrorFields {
  readonly name: string;
  readonly code?: string;
  readonly message?: string;
  readonly frames: readonly string[];
  readonly cause?: ErrorFields;
  /** Of a database error: names from the schema, never values. */
  readonly constraint?: string;
  readonly table?: string;
}

const MAX_FRAMES = 20;
const MAX_FRAME = 300;
const MAX_CAUSES = 3;
const MAX_WORD = 120;

/** Sentences of V8 that quote source code only. */
const ENGINE_MESSAGES = [
  /^Cannot (read|set) propert(y|ies) of (undefined|null)( \((reading|setting) '[\w$]{1,60}'\))?$/,
  /^[\w$.]{1,100} is not (a function|a constructor|defined|iterable)$/,
  /^Cannot access '[\w$]{1,60}' before initialization$/,
  /^Maximum call stack size exceeded$/,
  /^Assignment to constant variable\.$/,
];

export function describeError(error: unknown, depth = 0): ErrorFields {
  if (!(error instanceof Error))
    return { name: `thrown ${error === null ? 'null' : typeof error}`, frames: [] };
  const code = codeOf(error);
  const message = messageOf(error);
  const { constraint, table } = error as { constraint?: unknown; table?: unknown };
  return {
    name: safeText(String(error.name), MAX_WORD),
    ...(code === undefined ? {} : { code }),
    ...(message === undefined ? {} : { message }),
    ...(typeof constraint === 'string' ? { constraint: safeText(constraint, MAX_WORD) } : {}),
    ...(typeof table === 'string' ? { table: safeText(table, MAX_WORD) } : {}),
    frames: framesOf(error),
    ...(error.cause === undefined || depth >= MAX_CAUSES
      ? {}
      : { cause: describeError(error.cause, depth + 1) }),
  };
}

function codeOf(error: Error): string | undefined {
  if (error instanceof FaultError) return error.fault.code;
  const { code } = error as { code?: unknown };
  if (typeof code === 'string' && /^[\w.-]{1,60}$/.test(code)) return code;
  if (typeof code === 'number') return String(code);
  // Redis puts its code in front of the text: "NOGROUP No such key ...".
  return error.name === 'ReplyError' ? /^[A-Z]{2,30}\b/.exec(error.message)?.[0] : undefined;
}

function messageOf(error: Error): string | undefined {
  const ours = error instanceof FaultError || error instanceof ConfigError;
  if (!ours && !ENGINE_MESSAGES.some((pattern) => pattern.test(error.message))) return undefined;
  return safeText(error.message, 1000);
}

/** The lines below the message, which V8 repeats (all of its lines) at the top of the stack. */
function framesOf(error: Error): readonly string[] {
  const stack = typeof error.stack === 'string' ? error.stack : '';
  // A message may hold lines that look like frames: what comes before the end of the message is not ours to print.
  const end = stack.indexOf(error.message);
  const below = error.message !== '' && end >= 0 ? stack.slice(end + error.message.length) : stack;
  return below
    .split('\n')
    .filter((line) => /^ {4}at .*(:\d+:\d+\)?|<anonymous>\)?|native\)?)$/.test(line))
    .slice(0, MAX_FRAMES)
    .map((line) => safeText(line.trim(), MAX_FRAME));
}
