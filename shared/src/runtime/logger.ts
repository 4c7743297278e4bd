/**
 * Structured logs: one JSON object per line, a constant message and fields from one list.
 *
 * Redaction is by allow-list: a field that is not in `FIELDS` cannot be passed (type) and is dropped (run time), so
 * subjects, addresses, bodies and tokens have no way in. Every string is capped and made safe for a terminal. Of an error only
 * name, code, frames and database constraint are kept; its message only where we wrote it or the runtime did.
 *
 * Levels: info = a state changed; warn = a fault that is retried, with the delay; error = a person is needed, or a bug.
 */
import { pino } from 'pino';
import { describeError } from './error-fields.ts';
import { prettyLine } from './pretty-line.ts';
import { safeText } from './safe-text.ts';

const FIELDS = {
  tenantId: 'text',
  providerId: 'text',
  /** Folder name of a mailbox; a mail address in it (shared mailboxes) is masked. */
  folder: 'text',
  /** Random id of one IMAP connection. */
  session: 'text',
  instanceId: 'text',
  /** Lease epoch. */
  epoch: 'number',
  uidValidity: 'number',
  uid: 'number',
  publishSeq: 'number',
  eventId: 'text',
  /** Redis stream entry id. */
  entryId: 'text',
  stream: 'text',
  ticketId: 'text',
  ruleId: 'text',
  requestId: 'text',
  /** Name of a service, dependency or component. */
  name: 'text',
  /** A code of the error catalogue, or of a library. */
  code: 'text',
  kind: 'text',
  /** One sentence that we wrote: a Fault's detail. */
  detail: 'text',
  machine: 'text',
  state: 'text',
  previousState: 'text',
  event: 'text',
  result: 'text',
  reason: 'text',
  signal: 'text',
  method: 'text',
  /** Route pattern, never the path with its values. */
  route: 'text',
  status: 'number',
  host: 'text',
  address: 'text',
  port: 'number',
  version: 'text',
  configVersion: 'number',
  durationMs: 'number',
  delayMs: 'number',
  attempt: 'number',
  count: 'number',
  total: 'number',
  bytes: 'number',
  ok: 'boolean',
  error: 'error',
} as const;

interface KindOf {
  text: string | null;
  number: number | null;
  boolean: boolean;
  /** Anything caught. */
  error: unknown;
}

export type LogFields = {
  readonly [Name in keyof typeof FIELDS]?: KindOf[(typeof FIELDS)[Name]] | undefined;
};
export type LogLevel = 'debug' | 'info' | 'warn' | 'error';

export interface Logger {
  debug(message: string, fields?: LogFields): void;
  info(message: string, fields?: LogFields): void;
  warn(message: string, fields?: LogFields): void;
  error(message: string, fields?: LogFields): void;
  /** A logger that adds these fields to every line. */
  child(fields: LogFields): Logger;
}

export interface LogDestination {
  write(line: string): void;
}

export interface LoggerOptions {
  readonly service: string;
  readonly level: LogLevel | 'silent';
  /** Lines for people instead of JSON; by default when the output is a terminal. */
  readonly pretty?: boolean;
  /** Standard output unless given. */
  readonly destination?: LogDestination;
}

/** What is behind a stream of Node that is a pipe. */
interface MaybeBlocking {
  setBlocking?(isBlocking: boolean): void;
}

const MAX_MESSAGE = 300;
const MAX_TEXT = 1000;

export function createLogger(options: LoggerOptions): Logger {
  const destination = options.destination ?? standardOutput();
  const pretty = options.pretty ?? (options.destination === undefined && process.stdout.isTTY);
  const sink: LogDestination = pretty
    ? { write: (line) => destination.write(prettyLine(line)) }
    : destination;
  const root = pino(
    {
      level: options.level,
      base: { service: safeText(options.service, MAX_MESSAGE) },
      messageKey: 'message',
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
    },
    sink,
  );
  return new PinoLogger(root, null, {});
}

/**
 * Synchronous, so that the last line of a crash is written; a closed pipe never ends the process.
 *
 * Node makes a pipe non-blocking when anybody, be it a library, touches `process.stdout`. A line that does not fit at that moment would
 * be tried again after 100 ms, for all of which the whole process stands still: each time, while thousands of mailboxes begin (issue 7).
 * A pipe that blocks waits for as long as its reader needs. Node has no documented way to say so; where this one is missing
 * everything works as before.
 */
function standardOutput(): LogDestination {
  const { _handle: pipe } = process.stdout as { readonly _handle?: MaybeBlocking };
  pipe?.setBlocking?.(true);
  const output = pino.destination({ dest: 1, sync: true });
  output.on('error', () => undefined);
  return output;
}

/**
 * A child is three fields: it adds its own to each line when there is one. A child of pino's, and functions of its own, are some kilobytes,
 * which ten thousand mailboxes that log once in a day would hold twice each (issue 7).
 */
class PinoLogger implements Logger {
  readonly #target: pino.Logger;
  readonly #parent: PinoLogger | null;
  readonly #fields: Readonly<Record<string, unknown>>;

  constructor(target: pino.Logger, parent: PinoLogger | null, fields: Readonly<Record<string, unknown>>) {
    this.#target = target;
    this.#parent = parent;
    this.#fields = fields;
  }

  debug(message: string, fields?: LogFields): void {
    this.#write('debug', message, fields);
  }

  info(message: string, fields?: LogFields): void {
    this.#write('info', message, fields);
  }

  warn(message: string, fields?: LogFields): void {
    this.#write('warn', message, fields);
  }

  error(message: string, fields?: LogFields): void {
    this.#write('error', message, fields);
  }

  child(fields: LogFields): Logger {
    return new PinoLogger(this.#target, this, sanitise(fields));
  }

  #allFields(): Readonly<Record<string, unknown>> {
    return this.#parent === null ? this.#fields : { ...this.#parent.#allFields(), ...this.#fields };
  }

  #write(level: LogLevel, message: string, fields: LogFields | undefined): void {
    if (!this.#target.isLevelEnabled(level)) return;
    this.#target[level]({ ...this.#allFields(), ...sanitise(fields) }, safeText(message, MAX_MESSAGE));
  }
}

function sanitise(fields: LogFields | undefined): Record<string, unknown> {
  const clean: Record<string, unknown> = {};
  if (fields === undefined) return clean;
  for (const [name, value] of Object.entries(fields)) {
    if (value === undefined || !Object.hasOwn(FIELDS, name)) continue;
    const kind = FIELDS[name as keyof typeof FIELDS];
    if (kind === 'error') clean[name] = describeError(value);
    else if (kind === 'text' && typeof value === 'string') clean[name] = safeText(value, MAX_TEXT);
    else if (kind === 'number' && typeof value === 'number') clean[name] = value;
    else if (kind === 'boolean' && typeof value === 'boolean') clean[name] = value;
    else if (value === null) clean[name] = null;
  }
  return clean;
}
