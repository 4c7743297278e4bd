/**
 * What PostgreSQL is asked: statements for a batch of messages, and to renew all leases of an instance. Counted on the wire, and apart
 * from the timed runs because that costs time. BEGIN, COMMIT and the settings of a transaction are not counted; they travel with others.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { startFarm } from '../farm/farm.ts';
import type { Servers } from '../world/servers.ts';
import {
  openStatementCounter,
  type SeenStatement,
  type StatementCounter,
} from '../world/statement-counter.ts';
import { perBatch } from '../report/batches.ts';
import { idleUsers, withFleet } from './idle-fleet.ts';
import { ingestOnce, standardMailbox } from './ingest-run.ts';
import type { Part, PartContext } from './part.ts';

/** Short, so that some beats fit: what is done at a beat does not depend on it. */
const TTL_MS = 6_000;
const ASK_EVERY_MS = 50;

const isRenewal = ({ text }: SeenStatement): boolean =>
  /UPDATE imap_email_provider_config c SET lease_expires_at/.test(text);

export const database: Part = async (context) => {
  const batches = await countBatches(context);
  const beats = await countBeats(context);
  return {
    figures: {
      database: { statementsPerBatch: batches.perBatch, renewalsPerBeat: beats.perBeat },
    },
    series: [
      { name: 'database: batches', unit: '', values: [batches.batches] },
      { name: 'database: statements per batch', unit: '', values: [batches.perBatch] },
      { name: 'database: statements per message', unit: '', values: [batches.perMessage] },
      { name: 'database: renewals per beat', unit: '', values: [beats.perBeat] },
      {
        name: `database: all statements in a minute, ${beats.mailboxes} idle mailboxes`,
        unit: '',
        values: [beats.perMinute],
      },
    ],
  };
};

async function withCounter<T>(servers: Servers, work: (counter: StatementCounter) => Promise<T>): Promise<T> {
  const counter = await openStatementCounter({ port: servers.postgres.port });
  try {
    return await work(counter);
  } finally {
    await counter.close();
  }
}

/** Only what concerns messages: beats and looks go on meanwhile, as they always do. */
async function countBatches({ servers, sizes, say }: PartContext): Promise<{
  readonly batches: number;
  readonly perBatch: number;
  readonly perMessage: number;
}> {
  const mailbox = await standardMailbox(servers, sizes.database.messages);
  return withCounter(servers, async (counter) => {
    await ingestOnce(servers, mailbox, {
      env: (site) => ({ DATABASE_URL: counter.urlOf(site.databaseUrl) }),
      // The last marks may be under way: the ledger says when they are there.
      inspect: async (site) => {
        for (;;) {
          const [row] = await site.sql<{ count: number }>(
            `SELECT count(*)::int AS count FROM inbound_messages WHERE status = 'published'`,
          );
          if ((row?.count ?? 0) >= mailbox.messages) return;
          await delay(ASK_EVERY_MS);
        }
      },
    });
    const texts = counter.statements().map(({ text }) => text);
    const found = perBatch(texts);
    for (const [text, count] of found.byText)
      say(`  ${String(count).padStart(5)} ${text.replace(/\s+/g, ' ').slice(0, 90)}`);
    const perMessage = (found.perBatch * found.batches) / mailbox.messages;
    return { batches: found.batches, perBatch: found.perBatch, perMessage };
  });
}

/** A beat is seen by the lease of one mailbox, which each beat extends. */
async function countBeats({ servers, sizes }: PartContext): Promise<{
  readonly mailboxes: number;
  readonly perBeat: number;
  readonly perMinute: number;
}> {
  const { mailboxes, beats: wanted } = sizes.database;
  const farm = await startFarm();
  try {
    return await withCounter(servers, (counter) =>
      withFleet(
        servers,
        { host: farm.host, port: farm.port, password: 'secret' },
        idleUsers('beat', mailboxes),
        async ({ site }) => {
          const lease = async (): Promise<number> => {
            const [row] = await site.sql<{ at: Date }>(
              'SELECT lease_expires_at AS at FROM imap_email_provider_config ORDER BY email_provider_id LIMIT 1',
            );
            return row?.at.getTime() ?? 0;
          };
          const nextBeat = async (): Promise<void> => {
            for (const before = await lease(); (await lease()) === before;) await delay(ASK_EVERY_MS);
          };
          await nextBeat();
          counter.reset();
          const begunMs = performance.now();
          for (let beat = 0; beat < wanted; beat += 1) await nextBeat();
          const minutes = (performance.now() - begunMs) / 60_000;
          const statements = counter.statements();
          const perBeat = statements.filter(isRenewal).length / wanted;
          return { mailboxes, perBeat, perMinute: statements.length / minutes };
        },
        (site) => ({
          DATABASE_URL: counter.urlOf(site.databaseUrl),
          IMAP_LEASE_TTL_MS: String(TTL_MS),
        }),
      ),
    );
  } finally {
    await farm.close();
  }
}
