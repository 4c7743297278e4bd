import { describe, expect, it } from 'vitest';
import { anEmail } from '../../test/emails.ts';
import { planTicket } from './ticket-plan.ts';

describe('planTicket', () => {
  it('keeps subject, sender, both bodies and attachments', () => {
    const plan = planTicket(
      anEmail({
        subject: 'Printer on fire',
        body: { text: 'help', html: '<p>help</p>' },
        attachments: [
          {
            id: '2',
            name: 'a.pdf',
            contentType: 'application/pdf',
            size: 3,
            sha256: 'aa',
            storageKey: 'k',
            contentId: '<c>',
          },
        ],
      }),
    );
    expect(plan.subject).toBe('Printer on fire');
    expect(plan.comment).toMatchObject({
      bodyText: 'help',
      bodyHtml: '<p>help</p>',
      authorEmail: 'jane@example.org',
    });
    expect(plan.attachments).toEqual([
      {
        name: 'a.pdf',
        contentType: 'application/pdf',
        size: 3,
        sha256: 'aa',
        storageKey: 'k',
        contentId: '<c>',
        isInline: false,
      },
    ]);
  });

  it('gives a message without subject a name and keeps one line of a long one', () => {
    expect(planTicket(anEmail({ subject: '  ' })).subject).toBe('(no subject)');
    expect(planTicket(anEmail({ subject: 'a\r\n b\tc' })).subject).toBe('a b c');
    expect(planTicket(anEmail({ subject: 'x'.repeat(5000) })).subject).toHaveLength(998);
  });

  it('replaces NUL, which PostgreSQL cannot store, everywhere', () => {
    const nul = 'a\u0000b';
    const plan = planTicket(
      anEmail({
        id: `<${nul}>`,
        subject: nul,
        from: { email: nul, name: nul },
        body: { text: nul, html: nul },
        references: [nul],
        attachments: [
          { id: '1', name: nul, contentType: nul, size: 0, sha256: '', storageKey: '', contentId: nul },
        ],
      }),
    );
    expect(JSON.stringify(plan)).not.toContain('\\u0000');
  });

  it('lists parents nearest first, without doubles or itself, and not without end', () => {
    const plan = planTicket(
      anEmail({ id: '<self>', inReplyTo: '<b>', references: ['<a>', '<self>', ' <b> ', '', '<c>'] }),
    );
    expect(plan.parents).toEqual(['<b>', '<c>', '<a>']);
    const flood = planTicket(
      anEmail({ references: Array.from({ length: 9000 }, (_, index) => `<${index}>`) }),
    );
    expect(flood.parents).toHaveLength(50);
    expect(flood.parents[0]).toBe('<8999>');
  });

  it('finds the ids among the words of an odd In-Reply-To', () => {
    const odd = anEmail({ inReplyTo: 'Your message of Monday <x@a> and <y@a>' });
    expect(planTicket(odd).parents).toEqual(['<x@a>', '<y@a>']);
  });
});
