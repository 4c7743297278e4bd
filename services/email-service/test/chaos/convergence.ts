/** Waits, within bounds, for what must become true by itself. Each wait is a question to a store, never a guess of a time. */
import { setTimeout as delay } from 'node:timers/promises';
import { streamName, WORKER_GROUP } from '@mailstream/shared/events/email-received';
import { messageId } from './message.ts';
import type { World } from './world.ts';

const ASK_EVERY_MS = 100;
/** Seconds on a machine of its own; where others work as well, leases of three seconds are lost before they are used. */
const BASELINE_PATIENCE_MS = 120_000;

/** @returns false when it did not become true in time. Errors count as "not yet": a server may be on its way up. */
export async function becomesTrue(
  question: () => Promise<boolean>,
  withinMs: number,
  everyMs = ASK_EVERY_MS,
): Promise<boolean> {
  const deadline = Date.now() + withinMs;
  for (;;) {
    if (await question().catch(() => false)) return true;
    if (Date.now() > deadline) return false;
    await delay(everyMs);
  }
}

/** Every folder has its baseline: what is delivered from now on must come out. */
export function hasBaselines(world: World): Promise<boolean> {
  return becomesTrue(async () => {
    const [row] = await world.sql<{ open: number }>(
      `SELECT count(*)::int AS open FROM imap_email_provider_config WHERE NOT folder_state ? 'INBOX'`,
    );
    return row?.open === 0;
  }, BASELINE_PATIENCE_MS);
}

/** Each of these messages has an effect or is a dead letter, the ledger is settled and the group has nothing left to do. */
export function isConverged(world: World, keys: readonly string[], withinMs: number): Promise<boolean> {
  return becomesTrue(async () => {
    const [row] = await world.sql<{ missing: number; open: number }>(
      `SELECT (SELECT count(*)::int FROM unnest($1::text[]) AS k (id)
                WHERE NOT EXISTS (SELECT FROM ticket_comments c WHERE c.message_id = k.id)
                  AND NOT EXISTS (SELECT FROM inbound_messages m WHERE m.message_id = k.id AND m.status = 'dead_letter')) AS missing,
              (SELECT count(*)::int FROM inbound_messages WHERE status IN ('received', 'published')) AS open`,
      [keys.map(messageId)],
    );
    if (row?.missing !== 0 || row.open !== 0) return false;
    return isGroupIdle(world);
  }, withinMs);
}

async function isGroupIdle(world: World): Promise<boolean> {
  const groups = await world.withRedis((redis) => redis.call('XINFO', 'GROUPS', streamName('', false)));
  for (const group of groups as unknown[][]) {
    const at = (name: string): unknown => group[group.indexOf(name) + 1];
    if (at('name') === WORKER_GROUP) return at('lag') === 0 && at('pending') === 0;
  }
  return false;
}
