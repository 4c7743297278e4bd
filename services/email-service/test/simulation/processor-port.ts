/** MailProcessor on a modelled storage: content is its own hash; poison ends the parser each time it is read in full. */
import { FaultError } from '@mailstream/shared/errors/fault-error';
import { eventId } from '@mailstream/shared/events/email-received';
import type { MessageKey } from '@mailstream/shared/domain/message';
import { receivedMail } from '../../src/received-mail.ts';
import { isParserKilled } from '../../src/ingest-steps.ts';
import type { MailOutcome, MailProcessor, ParsedMail, ProcessedMail } from '../../src/ports/mail.ts';
import type { Checks } from './checks.ts';
import type { Network } from './network.ts';
import type { ProcessModel } from './process-model.ts';
import type { Random } from './random.ts';
import type { Scheduler } from './scheduler.ts';

export interface ProcessorContext {
  readonly process: ProcessModel;
  readonly scheduler: Scheduler;
  readonly network: Network;
  readonly random: Random;
  readonly checks: Checks;
  /** Keys of what is durable; shared by all processes. */
  readonly storage: Set<string>;
}

export const POISON = 'poison';
/** In what a worker gives up. */
export const UNPROCESSABLE = 'unprocessable';

export function createProcessorPort({
  process,
  scheduler,
  network,
  random,
  checks,
  storage,
}: ProcessorContext): MailProcessor {
  /** Written, and not durable before the next barrier. */
  let written = new Set<string>();
  const parse = (
    content: string,
    mode: 'full' | 'headersOnly',
    stored: () => Set<string> = () => storage,
  ): Promise<ProcessedMail> =>
    new Promise((resolve, reject) => {
      const { rates } = network;
      const isKilled =
        mode === 'full' &&
        (content.startsWith(POISON) || (rates.parserKilled > 0 && random.chance(rates.parserKilled)));
      const isRefused = rates.storage > 0 && random.chance(rates.storage);
      scheduler.after(network.delayMs(), process, 'parsed', () => {
        if (isRefused) return reject(unavailable());
        const storageKey = `raw/${content}`;
        stored().add(storageKey);
        if (isKilled) return reject(killed());
        resolve({
          raw: { storageKey, sha256: content, size: content.length },
          mail: { ...MAIL, messageId: `<${content}>` },
        });
      });
    });
  const processBytes = async (
    key: MessageKey,
    bytes: Uint8Array,
    mode: 'full' | 'headersOnly',
    stored?: () => Set<string>,
  ): Promise<ProcessedMail> => {
    try {
      return await parse(new TextDecoder().decode(bytes), mode, stored);
    } catch (error) {
      if (isParserKilled(error)) checks.parserKilled(eventId(key));
      throw error;
    }
  };
  return {
    process: async (key, source, mode) => {
      if (source.kind !== 'bytes') throw new Error('the model has no long messages');
      return await processBytes(key, source.bytes, mode);
    },
    processAll: async (mails) =>
      await Promise.all(
        mails.map(async ({ key, bytes, context }): Promise<MailOutcome> => {
          try {
            const processed = await processBytes(key, bytes, 'full', () => written);
            return { kind: 'received', mail: receivedMail(key, processed, context) };
          } catch (error) {
            return { kind: 'failed', error: error as Error };
          }
        }),
      ),
    barrier: () =>
      new Promise((resolve, reject) => {
        const passing = written;
        written = new Set();
        const { rates } = network;
        const isRefused = rates.storage > 0 && random.chance(rates.storage);
        scheduler.after(network.delayMs(), process, 'barrier', () => {
          if (isRefused) return reject(unavailable());
          for (const key of passing) storage.add(key);
          resolve();
        });
      }),
    processStored: (_key, raw, mode) => {
      if (!storage.has(raw.storageKey))
        return Promise.reject(
          new FaultError({ kind: 'bug', code: 'NOT_FOUND', detail: 'modelled: not stored' }),
        );
      return parse(raw.sha256, mode);
    },
  };
}

function unavailable(): FaultError {
  return new FaultError({ kind: 'transient', code: 'STORAGE_UNAVAILABLE', detail: 'modelled' });
}

function killed(): FaultError {
  return new FaultError({ kind: 'transient', code: 'PARSER_KILLED', detail: 'modelled' });
}

const MAIL: ParsedMail = {
  messageId: null,
  from: { email: 'sender@example.com' },
  to: [],
  cc: [],
  bcc: [],
  replyTo: [],
  subject: 'simulated',
  date: null,
  inReplyTo: null,
  references: [],
  headers: [],
  text: 'simulated',
  html: null,
  textStorageKey: null,
  htmlStorageKey: null,
  attachments: [],
  skipReasons: [],
  parseError: null,
};
