import { describe, expect, it } from 'vitest';
import { hiddenMarker, replyAddress, visibleMarker } from '@mailstream/shared/domain/reply-token';
import { anEmail } from '../../test/emails.ts';
import { findReplyReferences } from './reply-reference.ts';

const A = 'a'.repeat(26);
const B = 'b'.repeat(26);

describe('reply tokens are found', () => {
  it('in recipients, whatever happened to their case', () => {
    const address = replyAddress('support@acme.example', A) ?? '';
    const { tokens } = findReplyReferences(anEmail({ cc: [{ email: address.toUpperCase() }] }));
    expect(tokens).toEqual([A]);
    expect(findReplyReferences(anEmail({ to: [{ email: `reply-${A}@acme.example` }] })).tokens).toEqual([A]);
  });

  it('in what the server notes, before those in bodies, without doubles', () => {
    const email = anEmail({
      headers: [{ name: 'Delivered-To', value: `<support+${B}@acme.example>` }],
      body: { text: `Hi\n> ${visibleMarker(A)}\n> ${visibleMarker(B)}`, html: `<p>Hi</p>${hiddenMarker(A)}` },
    });
    expect(findReplyReferences(email).tokens).toEqual([B, A]);
  });

  it('not in longer words, other places or without end', () => {
    const email = anEmail({
      to: [{ email: `${A}@acme.example` }, { email: `x+${A}x@acme.example` }],
      body: { text: `ms-ref:${A}a ms-ref:short ${A}` },
    });
    expect(findReplyReferences(email).tokens).toEqual([]);
    const flood = Array.from({ length: 400 }, (_, at) =>
      visibleMarker(
        at
          .toString(32)
          .replace(/[0189]/g, 'z')
          .padStart(26, 'q'),
      ),
    );
    expect(
      findReplyReferences(anEmail({ body: { text: flood.join(' ') } })).tokens.length,
    ).toBeLessThanOrEqual(10);
  });
});

describe('Message-IDs are listed nearest first', () => {
  it('without doubles or the own one, and not without end', () => {
    const email = anEmail({
      id: '<self>',
      inReplyTo: '<b>',
      references: ['<a>', '<self>', ' <b> ', '', '<c>'],
    });
    expect(findReplyReferences(email).messageIds).toEqual(['<b>', '<c>', '<a>']);
    const flood = anEmail({ references: Array.from({ length: 9000 }, (_, at) => `<${at}>`) });
    expect(findReplyReferences(flood).messageIds).toHaveLength(50);
    expect(findReplyReferences(flood).messageIds[0]).toBe('<8999>');
  });

  it('among the words of an odd In-Reply-To', () => {
    const odd = anEmail({ inReplyTo: 'Your message of Monday <x@a> and <y@a>' });
    expect(findReplyReferences(odd).messageIds).toEqual(['<x@a>', '<y@a>']);
  });
});

describe('numbers are read from tags in the subject', () => {
  it.each<readonly [subject: string, numbers: readonly number[]]>([
    ['Re: [#123] Printer', [123]],
    ['[Ticket #123] Printer', [123]],
    ['[Acme Support #7] and [#8]', [7, 8]],
    ['[#1][#2][#3][#4]', [1, 2, 3]],
    ['#123 Printer', []],
    ['[123]', []],
    ['[#0]', []],
    ['[#12345678901234567890]', []],
    ['[##5]', []],
  ])('%s', (subject, numbers) => {
    expect(findReplyReferences(anEmail({ subject })).ticketNumbers).toEqual(numbers);
  });
});

it.each(['[', '+', `ms-ref:`, '<', ' '])('a megabyte of %j is searched in a moment', (piece) => {
  const text = piece.repeat(1_000_000 / piece.length);
  const started = performance.now();
  findReplyReferences(
    anEmail({ subject: text, to: [{ email: text }], inReplyTo: text, body: { text, html: text } }),
  );
  expect(performance.now() - started).toBeLessThan(2000);
});
