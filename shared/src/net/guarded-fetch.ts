/**
 * HTTPS requests to addresses a tenant may have chosen (OAuth token endpoints). Made for short answers.
 *
 * - The address is vetted and pinned for this one request; no connection is kept for a later one.
 * - https only; http for addresses that an operator allowed.
 * - Redirects are refused, not followed: the target would be the tenant's second, unchecked choice.
 * - One deadline over everything (name, connection, body), so a byte a second does not keep it alive.
 * - The body is cut off at a limit, before and after decompression.
 */
import { promisify } from 'node:util';
import { brotliDecompress, gunzip, inflate } from 'node:zlib';
import { Agent, type Dispatcher, request } from 'undici';
import { FaultError } from '../errors/fault-error.ts';
import { Deadline, type DeadlineState } from './deadline.ts';
import { HttpRefusedError } from './http-refused-error.ts';
import type { PinnedTarget } from './pinned-target.ts';

const MAX_BYTES = 64 * 1024;
const DEADLINE_MS = 10_000;
const HTTPS_PORTS: readonly number[] = [443];

export interface GuardedRequest {
  readonly method?: 'GET' | 'POST' | 'DELETE';
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
  readonly signal?: AbortSignal;
  /** Total, milliseconds; 10 s by default. */
  readonly deadlineMs?: number;
  /** Of the body, as sent and as decompressed; 64 KiB by default. */
  readonly maxBytes?: number;
}

/**
 * Answers with the whole body in memory, for any status that is not a redirect.
 * @throws FaultError `EGRESS_FORBIDDEN` or `IMAP_DNS_NOT_FOUND` from the guard; `HttpRefusedError` for the rest
 */
export type GuardedFetch = (url: string | URL, init?: GuardedRequest) => Promise<Response>;

type Vet = (host: string, port: number, ports: readonly number[]) => Promise<PinnedTarget>;

export function createGuardedFetch(options: { readonly resolve: Vet; readonly ca?: string }): GuardedFetch {
  return async (url, init = {}) => {
    const deadline = new Deadline(init.deadlineMs ?? DEADLINE_MS, init.signal);
    try {
      const target = parseTarget(url);
      const pinned = await deadline.race(options.resolve(target.hostname, target.port, HTTPS_PORTS));
      if (!target.isHttps && !pinned.allowedByOperator) throw forbidden('https is required');
      const agent = new Agent({
        connect: { lookup: pinned.lookup, ...(options.ca === undefined ? {} : { ca: options.ca }) },
        maxHeaderSize: 16 * 1024,
      });
      try {
        return await deadline.race(exchange(target.url, init, agent, deadline.signal));
      } finally {
        await agent.destroy();
      }
    } catch (error) {
      throw refusalOf(error, deadline.state);
    } finally {
      deadline.end();
    }
  };
}

function parseTarget(text: string | URL): { url: URL; isHttps: boolean; hostname: string; port: number } {
  const url = URL.canParse(String(text)) ? new URL(text) : null;
  if (url === null || (url.protocol !== 'https:' && url.protocol !== 'http:'))
    throw forbidden('https is required');
  // A name in the URL would go into the Authorization header of somebody's server.
  if (url.username !== '' || url.password !== '') throw forbidden('a URL with a user name is not allowed');
  const isHttps = url.protocol === 'https:';
  return {
    url,
    isHttps,
    hostname: url.hostname,
    port: url.port === '' ? (isHttps ? 443 : 80) : Number(url.port),
  };
}

async function exchange(
  url: URL,
  init: GuardedRequest,
  dispatcher: Dispatcher,
  signal: AbortSignal,
): Promise<Response> {
  const answer = await request(url, {
    dispatcher,
    signal,
    method: init.method ?? 'GET',
    headers: { 'accept-encoding': 'identity', ...init.headers },
    body: init.body ?? null,
  });
  // Without a listener, an error after we stopped reading would end the process.
  answer.body.on('error', () => undefined);
  if (answer.statusCode >= 300 && answer.statusCode < 400) {
    throw new HttpRefusedError('redirect', `status ${answer.statusCode}`);
  }
  const maxBytes = init.maxBytes ?? MAX_BYTES;
  const body = await decode(
    await readBounded(answer.body, maxBytes),
    answer.headers['content-encoding'],
    maxBytes,
  );
  return new Response(mayHaveBody(answer.statusCode) ? body : null, {
    status: answer.statusCode,
    headers: plainHeaders(answer.headers),
  });
}

async function readBounded(body: AsyncIterable<Uint8Array>, maxBytes: number): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of body) {
    size += chunk.byteLength;
    if (size > maxBytes) throw tooLarge(maxBytes);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

const DECODERS: Readonly<
  Record<string, (body: Buffer, options: { maxOutputLength: number }) => Promise<Buffer>>
> = {
  gzip: promisify(gunzip),
  'x-gzip': promisify(gunzip),
  deflate: promisify(inflate),
  br: promisify(brotliDecompress),
};

/** We ask for no encoding; some proxies compress all the same. Several layers are a bomb, not an answer. */
async function decode(
  body: Buffer,
  encoding: string | readonly string[] | undefined,
  maxBytes: number,
): Promise<Buffer> {
  const name = String(encoding ?? 'identity').toLowerCase();
  if (name === 'identity' || body.length === 0) return body;
  const decoder = Object.hasOwn(DECODERS, name) ? DECODERS[name] : undefined;
  if (decoder === undefined) throw new HttpRefusedError('encoding', 'unknown content encoding');
  try {
    return await decoder(body, { maxOutputLength: maxBytes });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE') throw tooLarge(maxBytes);
    throw new HttpRefusedError('encoding', 'the body cannot be decompressed');
  }
}

function plainHeaders(headers: Readonly<Record<string, string | string[] | undefined>>): Headers {
  const plain = new Headers();
  for (const [name, value] of Object.entries(headers)) {
    // The body is decoded already.
    if (name === 'content-encoding' || name === 'content-length') continue;
    for (const one of Array.isArray(value) ? value : [value ?? '']) plain.append(name, one);
  }
  return plain;
}

/** `Response` refuses a body for these (Fetch standard, null body status). */
function mayHaveBody(status: number): boolean {
  return status !== 204 && status !== 205;
}

function tooLarge(maxBytes: number): HttpRefusedError {
  return new HttpRefusedError('too_large', `more than ${maxBytes} bytes`);
}

function forbidden(detail: string): FaultError {
  return new FaultError({ kind: 'misconfigured', code: 'EGRESS_FORBIDDEN', detail });
}

/** Library errors may quote the request, so only their code goes on. */
function refusalOf(error: unknown, state: DeadlineState): Error {
  if (error instanceof FaultError || error instanceof HttpRefusedError) return error;
  if (state === 'timeout') return new HttpRefusedError('timeout', 'no whole answer in time');
  if (state === 'aborted') return new HttpRefusedError('aborted', 'the caller gave up');
  const code = (error as { readonly code?: unknown }).code;
  return new HttpRefusedError('network', typeof code === 'string' ? code : 'connection failed');
}
