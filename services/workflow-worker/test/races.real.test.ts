import { createDatabase } from '@mailstream/shared/db/database';
import { providerId, tenantId } from '@mailstream/shared/domain/ids';
import { useDatabase, useRedis } from '@mailstream/shared/testing/fixtures';
import { afterAll, expect, it } from 'vitest';
import { createPgInbox } from '../src/adapters/pg-inbox.ts';
import type { InboundEmail } from '../src/ports.ts';
import { decode } from '../src/entry-decoder.ts';
import { anEntry, fieldsOf, type EntryOptions } from './emails.ts';
import { STREAM, useWorld } from './world.ts';

const db = await useDatabase();
const redis = await useRedis();
const world = useWorld({ ownerUrl: db.ownerUrl, redisUrl: redis.url });
const database = createDatabase({ url: db.url, applicationName: 'test', poolMax: 8 });
const inbox = createPgInbox(database);

afterAll(() => database.close());

function message(options: EntryOptions): InboundEmail {
  const decoded = decode({ stream: STREAM, id: '1-0', fields: fieldsOf(anEntry(options)) });
  if (decoded.kind === 'invalid') throw new Error(decoded.detail);
  return decoded.message;
}

it('never lets a reply miss the ticket of a message that is processed at the same time', async () => {
  const mailbox = await world.newMailbox();
  for (let round = 0; round < 150; round += 1) {
    const uid = 2 * round + 1;
    await world.record(anEntry({ ...mailbox, uid }));
    const reply = message({ ...mailbox, uid: uid + 1, email: { inReplyTo: `<${uid}@example.org>` } });
    // The reply is tried again and again while the first commits, to hit the moment between its statements.
    const first = inbox.apply(message({ ...mailbox, uid }), { waitForParents: true });
    let outcome = await inbox.apply(reply, { waitForParents: true });
    while (outcome.kind === 'parentPending') outcome = await inbox.apply(reply, { waitForParents: true });
    expect(await first).toMatchObject({ kind: 'ticket', number: round + 1 });
    expect(outcome.kind).toBe('comment');
  }
});

it('makes one effect of an event that is applied many times at once', async () => {
  const mailbox = await world.newMailbox();
  for (let uid = 1; uid <= 20; uid += 1) {
    const one = message({ ...mailbox, uid });
    const outcomes = await Promise.all(
      Array.from({ length: 8 }, () => inbox.apply(one, { waitForParents: false })),
    );
    expect(outcomes.map(({ kind }) => kind).toSorted()).toEqual([
      ...Array<string>(7).fill('duplicate'),
      'ticket',
    ]);
  }
});

it('gives numbers without gaps or doubles to tickets that are opened at once', async () => {
  const mailbox = await world.newMailbox();
  const outcomes = await Promise.all(
    Array.from({ length: 40 }, (_, index) =>
      inbox.apply(message({ ...mailbox, uid: index + 1 }), { waitForParents: false }),
    ),
  );
  const numbers = outcomes.map((outcome) => (outcome.kind === 'ticket' ? outcome.number : 0));
  expect(numbers.toSorted((a, b) => a - b)).toEqual(Array.from({ length: 40 }, (_, index) => index + 1));
});

it('changes nothing for an event of a provider that another tenant has', async () => {
  const mine = await world.newMailbox();
  const theirs = await world.newMailbox();
  const forged = {
    ...message({ ...theirs, uid: 1 }),
    tenant: tenantId(mine.tenant),
    providerId: providerId(theirs.providerId),
  };
  expect(await inbox.apply(forged, { waitForParents: true })).toMatchObject({
    kind: 'rejected',
    code: 'PROVIDER_UNKNOWN',
  });
  for (const { tenant } of [mine, theirs]) expect(await world.comments(tenant)).toEqual([]);
});
