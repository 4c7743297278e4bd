import { describe, expect, it } from 'vitest';
import {
  authorKind,
  place,
  type Candidate,
  type Evidence,
  type SenderCheck,
  type TicketStatus,
  type TrustPolicy,
  type Writer,
} from './conversation.ts';

const BOTH = [false, true] as const;
const CHECKS: readonly SenderCheck[] = ['verified', 'failed', 'unknown'];
const EVIDENCE: readonly Evidence[] = ['token', 'reference', 'subject', 'bounce'];
const STATUSES: readonly TicketStatus[] = ['open', 'pending', 'closed', 'needs_attention'];

interface Situation {
  readonly writer: Writer;
  readonly candidate: Candidate;
  readonly policy: TrustPolicy;
}

/** Every situation of one sender and one ticket that he points to. */
function* situations(): Generator<Situation> {
  for (const email of ['', 'jane@example.org'])
    for (const check of CHECKS)
      for (const [isAutomated, isForRecordOnly, isBounce] of [
        [false, false, false],
        [true, false, false],
        [true, true, false],
        [true, false, true],
      ] as const)
        for (const isUser of BOTH)
          for (const evidence of EVIDENCE)
            for (const isSendersOwn of BOTH)
              for (const status of STATUSES)
                for (const isClosedForGood of status === 'closed' ? BOTH : [false])
                  for (const isFlooded of BOTH)
                    for (const serverVerifies of BOTH)
                      for (const requireVerifiedSender of BOTH)
                        yield {
                          writer: {
                            ...{ email, check, isAutomated, isForRecordOnly, isBounce, isUser },
                            wantsNoAnswer: false,
                          },
                          candidate: {
                            ...{ ticketId: 't', status, evidence, isSendersOwn, isClosedForGood, isFlooded },
                          },
                          policy: { serverVerifies, requireVerifiedSender },
                        };
}

function violations(
  holds: (situation: Situation, placed: ReturnType<typeof place>) => boolean,
): readonly Situation[] {
  return [...situations()].filter(
    (situation) => !holds(situation, place(situation.writer, [situation.candidate], situation.policy)),
  );
}

describe('in every situation', () => {
  it('a mail enters a ticket only as what the sender proves to be', () => {
    expect(
      violations(({ writer, candidate, policy }, placed) => {
        if (placed.kind === 'ticket') return true;
        if (candidate.evidence === 'bounce') return true;
        if (
          writer.isUser &&
          writer.check === 'verified' &&
          !writer.isAutomated &&
          candidate.evidence !== 'token'
        )
          return true;
        if (!candidate.isSendersOwn) return false;
        if (candidate.evidence === 'token' || writer.check === 'verified') return true;
        return writer.check === 'unknown' && !policy.serverVerifies && !policy.requireVerifiedSender;
      }),
    ).toEqual([]);
  });

  it('a mail of the owner of a token enters, whatever the server says', () => {
    expect(
      violations(({ candidate }, placed) => {
        if (candidate.evidence !== 'token' || !candidate.isSendersOwn) return true;
        return placed.kind === 'comment' || placed.link?.kind === 'follows';
      }),
    ).toEqual([]);
  });

  it('what is not let in says so to agents, unless a machine wrote it', () => {
    expect(
      violations(
        ({ writer }, placed) =>
          placed.kind === 'comment' ||
          placed.link?.kind === 'follows' ||
          (placed.link?.kind === 'may_belong_to' &&
            placed.attention.includes('possible_reply') === !writer.isAutomated),
      ),
    ).toEqual([]);
  });

  it('no machine, agent or flood reopens a ticket, and nothing but a person gets an answer', () => {
    expect(
      violations(({ writer, candidate }, placed) => {
        const kind = authorKind(writer);
        const isHuman = kind === 'contact' || kind === 'unknown';
        if (placed.isAnswerable && (writer.isAutomated || writer.check === 'failed' || writer.email === ''))
          return false;
        if (placed.kind === 'ticket') return true;
        const isChanged = placed.status !== candidate.status;
        return !(isChanged || placed.isAnswerable) || (isHuman && !candidate.isFlooded);
      }),
    ).toEqual([]);
  });

  it('nobody is an agent without a verified address of a user', () => {
    expect(
      violations(
        ({ writer }) => authorKind(writer) !== 'agent' || (writer.isUser && writer.check === 'verified'),
      ),
    ).toEqual([]);
  });
});

describe('of several tickets', () => {
  const writer: Writer = {
    ...{ email: 'jane@example.org', check: 'unknown', isUser: false, wantsNoAnswer: false },
    ...{ isAutomated: false, isForRecordOnly: false, isBounce: false },
  };
  const policy = { serverVerifies: false, requireVerifiedSender: false };
  const candidate = (ticketId: string, isSendersOwn: boolean): Candidate => ({
    ...{
      ticketId,
      isSendersOwn,
      status: 'open',
      evidence: 'reference',
      isClosedForGood: false,
      isFlooded: false,
    },
  });

  it('the first that lets the sender in is taken, and the first of all is linked when none does', () => {
    const placed = place(writer, [candidate('a', false), candidate('b', true), candidate('c', true)], policy);
    expect(placed).toMatchObject({ kind: 'comment', ticketId: 'b' });
    expect(place(writer, [candidate('a', false), candidate('b', false)], policy)).toMatchObject({
      kind: 'ticket',
      link: { ticketId: 'a', kind: 'may_belong_to' },
    });
    expect(place(writer, [], policy)).toMatchObject({ kind: 'ticket', link: null, attention: [] });
  });
});
