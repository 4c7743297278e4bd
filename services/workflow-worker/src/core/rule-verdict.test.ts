import { describe, expect, it } from 'vitest';
import { leftOutBy, NO_VERDICT, skipReason } from './rule-verdict.ts';

const rule = { id: 'r', name: 'Newsletters' };
const verdict = { ...NO_VERDICT, skippedBy: rule };

describe('a rule that says skip', () => {
  it.each([
    [
      true,
      'a person\u2019s mail that would open a ticket',
      { opensTicket: true, isAutomated: false, isBounce: false },
    ],
    [
      true,
      'a machine\u2019s mail that would open one',
      { opensTicket: true, isAutomated: true, isBounce: false },
    ],
    [
      true,
      'a report about a mail that is not ours',
      { opensTicket: true, isAutomated: true, isBounce: true },
    ],
    [true, 'what a machine writes into a ticket', { opensTicket: false, isAutomated: true, isBounce: false }],
    [
      false,
      'a person\u2019s answer in its ticket',
      { opensTicket: false, isAutomated: false, isBounce: false },
    ],
    [
      false,
      'a report that our mail was not delivered',
      { opensTicket: false, isAutomated: true, isBounce: true },
    ],
  ])('%s: leaves out %s', (isLeftOut, _, mail) => {
    expect(leftOutBy(verdict, mail)).toBe(isLeftOut ? rule : null);
    expect(leftOutBy(NO_VERDICT, mail)).toBeNull();
  });

  it('is named in the reason', () => {
    expect(skipReason(rule)).toBe('rule "Newsletters"');
  });
});
