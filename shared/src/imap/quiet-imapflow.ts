/**
 * imapflow, without the text of lines that nobody reads.
 *
 * imapflow writes each line of the server, and each of its own, out again for its log, whether or not there is one: an eighth of the time
 * of its event loop while messages are fetched, and as long as reading the list itself for a list of UIDs (issue 7). Our log (`WireWatch`)
 * reads only untagged status responses (RFC 9051 section 7.1: OK, NO, BAD, PREAUTH, BYE), so for all others it is told that there
 * was a line, and an empty text. There is no option for that: the function is replaced in the module that imapflow takes it from, which only
 * CommonJS allows, so both are loaded that way. `quiet-imapflow.test.ts` fails where another release does it otherwise;
 * then everything works as before, only slower.
 */
import { createRequire } from 'node:module';
import type * as Imapflow from 'imapflow';

interface Response {
  readonly tag?: string;
  readonly command?: string;
}

type Compiler = (response: Response, options?: { readonly isLogging?: boolean }) => unknown;

const STATUS: ReadonlySet<string> = new Set(['OK', 'NO', 'BAD', 'PREAUTH', 'BYE']);
const NOTHING = Buffer.alloc(0);

const load = createRequire(import.meta.url);
const handler = load('imapflow/lib/handler/imap-handler.js') as { compiler: Compiler };
const { compiler } = handler;
handler.compiler = (response, options) =>
  options?.isLogging === true && isUnread(response) ? NOTHING : compiler(response, options);

function isUnread({ tag, command = '' }: Response): boolean {
  return tag !== '*' || !STATUS.has(command.toUpperCase());
}

export const { ImapFlow } = load('imapflow') as typeof Imapflow;
