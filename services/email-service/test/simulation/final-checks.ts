/** What must hold when everything has come to rest: one effect for each message, none for others, one entry, in order. */
import { eventId } from '@mailstream/shared/events/email-received';
import { providerId, tenantId } from '@mailstream/shared/domain/ids';
import { MAX_CRASHES, MAX_KILLS } from '../../src/core/sync-plan.ts';
import type { Checks } from './checks.ts';
import type { MailboxModel, MailModel } from './mailbox-model.ts';
import type { PostgresModel } from './postgres-model.ts';
import type { RedisModel, StreamEntryModel } from './redis-model.ts';

export interface Rest {
  readonly checks: Checks;
  readonly postgres: PostgresModel;
  readonly redis: RedisModel;
  readonly mailboxes: readonly WatchedMailbox[];
}

export interface WatchedMailbox {
  readonly tenant: string;
  readonly providerId: string;
  readonly folder: string;
  readonly mailbox: MailboxModel;
}

interface Named {
  readonly mailbox: MailboxModel;
  readonly mail: MailModel;
  readonly uidValidity: number;
  readonly uid: number;
}

/** @returns what does not hold, or null. */
export function judge(rest: Rest): string | null {
  const names = namesOf(rest.mailboxes);
  return (
    judgeEffects(rest, names) ??
    judgeBlame(rest, names) ??
    (rest.redis.hasLostData || rest.postgres.hasLostCommits ? null : judgeStream(rest, names))
  );
}

/** True when no message is on its way any more. */
export function isAtRest({ checks, postgres, redis, mailboxes }: Rest): boolean {
  if (mailboxes.some(({ mailbox }) => checks.baselineAt(mailbox) === null)) return false;
  for (const row of postgres.state.rows.values())
    if (row.status === 'received' || row.status === 'published') return false;
  const { group, entries } = redis.state;
  if (
    entries.length > 0 &&
    (group === null || group.pending.size > 0 || (entries.at(-1)?.id ?? 0) > group.lastDelivered)
  )
    return false;
  return mailboxes.every(({ mailbox, providerId: id, folder }) => {
    const state = postgres.provider(providerId(id)).folderState.get(folder);
    return (
      state?.uidValidity === mailbox.uidValidity &&
      mailbox.messages.every(
        (mail) =>
          mail.isExpunged ||
          mail.uid <= state.baselineUid ||
          postgres.state.rows.has(`${id}/${folder}/${mailbox.uidValidity}/${mail.uid}`),
      )
    );
  });
}

function namesOf(mailboxes: readonly WatchedMailbox[]): ReadonlyMap<string, Named> {
  const names = new Map<string, Named>();
  for (const { tenant, providerId: id, folder, mailbox } of mailboxes)
    for (const [name, mail] of mailbox.names()) {
      const [uidValidity = 0, uid = 0] = name.split('/').map(Number);
      const key = { tenant: tenantId(tenant), providerId: providerId(id), folder, uidValidity, uid };
      names.set(eventId(key), { mailbox, mail, uidValidity, uid });
    }
  return names;
}

/** By content, because after a UIDVALIDITY change two messages of the same bytes may have changed places. */
function judgeEffects(
  { checks, postgres, mailboxes }: Rest,
  names: ReadonlyMap<string, Named>,
): string | null {
  const { effects, rows } = postgres.state;
  const counts = new Map<string, number>();
  const contentOf = ({ mailbox, mail }: Named): string => `${mailbox.key} ${mail.content}`;
  const seen = new Set<string>();
  for (const event of effects) {
    const named = names.get(event);
    if (named === undefined) return `phantom: an effect of ${event}, which is no message`;
    if (seen.has(event)) return `double: two effects of ${describe(named)}`;
    seen.add(event);
    counts.set(contentOf(named), (counts.get(contentOf(named)) ?? 0) + 1);
  }
  const letters = new Map<string, number>();
  for (const row of rows.values()) {
    const named = names.get(row.eventId);
    if (row.status !== 'dead_letter' || named === undefined || seen.has(row.eventId)) continue;
    letters.set(contentOf(named), (letters.get(contentOf(named)) ?? 0) + 1);
  }
  for (const { mailbox } of mailboxes) {
    const expected = new Map<string, { least: number; most: number; mail: MailModel }>();
    for (const mail of mailbox.messages) {
      const known = expected.get(mail.content) ?? { least: 0, most: 0, mail };
      if (!checks.isOld(mail)) known.most += 1;
      if (!checks.isOld(mail) && !mail.isExpunged) known.least += 1;
      expected.set(mail.content, known);
    }
    for (const [content, { least, most, mail }] of expected) {
      const key = `${mailbox.key} ${content}`;
      const count = counts.get(key) ?? 0;
      const what = `${mailbox.key} message ${mail.number} (uid ${mail.uid})`;
      if (count + (letters.get(key) ?? 0) < least) return `lost: ${what} has ${count} effects of ${least}`;
      if (count > most)
        return `${most === 0 ? 'phantom' : 'double'}: ${what} has ${count} effects of ${most}`;
    }
  }
  return null;
}

/**
 * A message that ended its parser becomes a dead letter at the third time; one that did not only after as many deaths of what
 * had it in hand, which are no more than there were terms.
 */
function judgeBlame({ checks, postgres }: Rest, names: ReadonlyMap<string, Named>): string | null {
  for (const row of postgres.state.rows.values()) {
    const named = names.get(row.eventId);
    if (named === undefined || row.reason !== 'PARSER_KILLED') continue;
    const kills = checks.parserKills.get(row.eventId) ?? 0;
    const terms = postgres.provider(row.providerId).leaseEpoch;
    if (kills < MAX_KILLS && terms < MAX_CRASHES && !postgres.hasLostCommits)
      return `blame: ${describe(named)} is a dead letter after ${kills} kills in ${terms} terms`;
  }
  return null;
}

/** Where no store lost data: one entry for each event, `publish_seq` grows, nothing overtook what was visible before it. */
function judgeStream({ redis, mailboxes }: Rest, names: ReadonlyMap<string, Named>): string | null {
  const entries = new Set<string>();
  for (const entry of redis.history) {
    if (entries.has(entry.eventId)) return `stream: two entries of ${entry.eventId}, no store lost data`;
    entries.add(entry.eventId);
  }
  for (const { providerId: id, folder } of mailboxes) {
    const found = redis.history.filter((entry) => entry.folderKey === `${id}/${folder}`);
    const wrong = found.find(
      (entry, index) => index > 0 && entry.publishSeq <= (found[index - 1]?.publishSeq ?? 0),
    );
    if (wrong !== undefined) return `order: publish_seq ${wrong.publishSeq} of ${folder} came too late`;
    const overtaken = findOvertaken(found, names);
    if (overtaken !== null) return overtaken;
  }
  return null;
}

function findOvertaken(
  entries: readonly StreamEntryModel[],
  names: ReadonlyMap<string, Named>,
): string | null {
  const order = entries.flatMap((entry) => names.get(entry.eventId) ?? []);
  for (const [index, later] of order.entries())
    for (const earlier of order.slice(0, index)) {
      const isOvertaken =
        earlier.uidValidity === later.uidValidity &&
        later.uid < earlier.uid &&
        later.mail.visibleAtMs <= earlier.mail.visibleAtMs &&
        !later.mail.wasLeftOut;
      if (isOvertaken) return `order: ${describe(earlier)} overtook ${describe(later)}`;
    }
  return null;
}

function describe({ mailbox, mail, uidValidity, uid }: Named): string {
  return `${mailbox.key} message ${mail.number} (${uidValidity}/${uid})`;
}
