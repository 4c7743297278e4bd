import { describe, expect, it } from 'vitest';
import { conversationKeys } from './conversation-keys.ts';

const mail = { id: '<1@x>', references: [], subject: 'Printer' };

describe('conversationKeys', () => {
  it('are what the mail is called and what it answers, within its tenant', () => {
    expect(
      conversationKeys('t', {
        ...mail,
        inReplyTo: '<2@x> of yesterday',
        references: ['<root@x>', '<2@x>'],
      }),
    ).toEqual(['t <1@x>', 't <2@x>', 't <root@x>']);
  });

  it('are every ticket number that may lead to a ticket, however it is written', () => {
    const keys = (subject: string): readonly string[] => conversationKeys('t', { ...mail, subject }).slice(1);
    expect(keys('Re: [#7] [Support #8] Printer')).toEqual(['t #7', 't #8']);
    expect(keys('[#007]')).toEqual(keys('Aw: [Acme-Support #7]'));
    expect(keys('#7 [7] [#x]')).toEqual([]);
  });

  it('stay few and short, whatever is claimed', () => {
    const keys = conversationKeys('t', {
      id: `<${'a'.repeat(5000)}@x>`,
      inReplyTo: '<b@x>'.repeat(5000),
      references: Array.from({ length: 5000 }, (_, index) => `<${index}@x>`),
      subject: Array.from({ length: 5000 }, (_, index) => `[#${index}]`).join(''),
    });
    expect(keys.length).toBeLessThan(30);
    expect(Math.max(...keys.map((key) => key.length))).toBeLessThan(210);
    // The root is among them: it is what all that keep their References share.
    expect(keys).toContain('t <0@x>');
  });
});
