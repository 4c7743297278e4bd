import { describe, expect, it } from 'vitest';
import { anEmail } from '../../test/emails.ts';
import type { Candidate } from './conversation.ts';
import { planEffect, type Assessment, type Effect, type Surroundings } from './effect.ts';
import { readMail } from './incoming-mail.ts';
import { NO_VERDICT } from './rule-verdict.ts';

const assessment: Assessment = {
  ...{
    check: 'verified',
    automatedKind: null,
    isForRecordOnly: false,
    isBounce: false,
    wantsNoAnswer: false,
  },
  ...{ rawStorageKey: 'raw', textStorageKey: null, htmlStorageKey: null, serverVerifies: true },
};
const defaults = {
  ...{ clientId: 'usual', priority: 'low', queue: 'all', tags: ['a', 'b'] },
  requireVerifiedSender: false,
};
const known: Surroundings = {
  ...{ defaults, userId: null, contactId: 'contact', clientId: 'own', hasClients: true, candidates: [] },
  ...{ verdict: NO_VERDICT, ruledClientId: null },
};
const verdict = { ...NO_VERDICT, queue: 'billing', priority: 'urgent', tags: ['b', 'c'], clientId: 'ruled' };

function plan(change: Partial<Surroundings>, check: Partial<Assessment> = {}): Effect {
  let id = 0;
  return planEffect(
    readMail(anEmail()),
    { text: 'Hello', html: null, quotedText: '' },
    { ...assessment, ...check },
    { ...known, ...change },
    () => `id${(id += 1)}`,
  );
}

describe('a new ticket', () => {
  it('gets what the defaults and the sender say where no rule matches', () => {
    expect(plan({}).ticket).toMatchObject({
      ...{ queue: 'all', priority: 'low', clientId: 'own', tags: ['a', 'b'] },
    });
  });

  it('gets what the rules say before that, and tags of both without doubles', () => {
    expect(plan({ verdict, ruledClientId: 'ruled' }).ticket).toMatchObject({
      ...{ queue: 'billing', priority: 'urgent', clientId: 'ruled', tags: ['a', 'b', 'c'] },
    });
  });

  it('gets no client of a rule that names one which gets no new tickets', () => {
    expect(plan({ verdict, ruledClientId: null }).ticket?.clientId).toBe('own');
  });

  it.each([
    [{ check: 'failed' as const }, 'usual'],
    [{ check: 'unknown' as const }, 'ruled'],
  ])('of a sender with %j is that client’s: %s', (check, clientId) => {
    expect(plan({ verdict, ruledClientId: 'ruled' }, check).ticket?.clientId).toBe(clientId);
  });

  it('asks for no client where a rule names one, and keeps every other reason for attention', () => {
    const nobody = { defaults: null, clientId: null };
    expect(plan({ ...nobody, verdict: { ...verdict, clientId: null } }).attention).toEqual([
      'client_unknown',
    ]);
    expect(plan({ ...nobody, verdict, ruledClientId: 'ruled' }).attention).toEqual([]);
    const forged = plan({ ...nobody, verdict, ruledClientId: 'ruled' }, { check: 'failed' });
    expect(forged.attention).toEqual(['sender_unverified', 'client_unknown']);
  });
});

it('an answer in its ticket gets nothing of the rules', () => {
  const home: Candidate = {
    ...{ ticketId: 't', status: 'open', evidence: 'reference', isSendersOwn: true },
    ...{ isClosedForGood: false, isFlooded: false },
  };
  const answer = { candidates: [home] };
  expect(plan({ ...answer, verdict, ruledClientId: 'ruled' })).toEqual(plan(answer));
});
