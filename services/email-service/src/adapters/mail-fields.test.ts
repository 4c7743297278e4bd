import { describe, expect, it } from 'vitest';
import { mailFields } from './mail-fields.ts';
import type { HeaderLine } from './mail-parser-internals.ts';

function fieldsOf(...lines: string[]): ReturnType<typeof mailFields> {
  const parsed: HeaderLine[] = lines.map((line) => ({
    key: line.slice(0, line.indexOf(':')).toLowerCase(),
    line,
  }));
  return mailFields(parsed, new Map());
}

describe('header fields', () => {
  it('keep their order, their case and their encoded words, unfolded', () => {
    const { headers } = fieldsOf(
      'X-B:  =?utf-8?q?b?=',
      'x-a: one\r\n\ttwo\r\n three',
      'X-B:',
      'no field at all',
    );
    expect(headers).toEqual([
      { name: 'X-B', value: '=?utf-8?q?b?=' },
      { name: 'x-a', value: 'one\ttwo three' },
      { name: 'X-B', value: '' },
    ]);
  });

  it('are UTF-8 or Windows-1252, and free of NUL', () => {
    expect(
      fieldsOf('X-A: caf\xe9\0', `X-B: ${Buffer.from('é').toString('latin1')}`).headers.map(
        ({ value }) => value,
      ),
    ).toEqual(['café\uFFFD', 'é']);
  });
});

describe('the Message-ID', () => {
  it.each([
    ['<a@x.example>', '<a@x.example>'],
    [' <a@x.example> (added by relay)', '<a@x.example>'],
    ['< a@x.example >', '<a@x.example>'],
    ['a@x.example', '<a@x.example>'],
    ['<with space@x>', '<with space@x>'],
    ['<>', null],
    ['', null],
    ['   ', null],
    [`<${'a'.repeat(999)}>`, null],
  ])('of %j is %j', (value, expected) => {
    expect(fieldsOf(`Message-ID: ${value}`).messageId).toBe(expected);
  });

  it('is the first where there are several', () => {
    expect(fieldsOf('Message-ID: <1@x>', 'Message-ID: <2@x>').messageId).toBe('<1@x>');
  });
});

describe('the ids of a thread', () => {
  it('are a list in order, without doubles', () => {
    const { references, inReplyTo } = fieldsOf(
      'References: <1@x>\r\n <2@x> <1@x>, <3@x>',
      'In-Reply-To: Your message of Monday <3@x> <4@x>',
    );
    expect(references).toEqual(['<1@x>', '<2@x>', '<3@x>']);
    expect(inReplyTo).toBe('<3@x>');
  });

  it('may come without brackets', () => {
    expect(fieldsOf('References: 1@x 2@x word').references).toEqual(['<1@x>', '<2@x>']);
  });

  it('are absent where there are none', () => {
    expect(fieldsOf('In-Reply-To: yesterday')).toMatchObject({ references: [], inReplyTo: null });
  });
});

describe('the Date', () => {
  it.each([
    ['Tue, 03 Mar 2026 10:20:30 +0100', '2026-03-03T09:20:30.000Z'],
    ['Tue, 03 Mar 2026 10:20:30 +0100 (CET)', '2026-03-03T09:20:30.000Z'],
    ['3 Mar 2026 10:20:30 GMT', '2026-03-03T10:20:30.000Z'],
    ['3 Mar 2026 10:20:30', '2026-03-03T10:20:30.000Z'],
    ['3 Mar 2026 10:20:30 EST', '2026-03-03T15:20:30.000Z'],
    ['Tue,  3-Mar-26 10:20 PST', '2026-03-03T18:20:00.000Z'],
    ['03 Mar 99 10:20:30 -0930', '1999-03-03T19:50:30.000Z'],
    ['3 March 2026 10:20:30 CEST', '2026-03-03T10:20:30.000Z'],
    ['2026-03-03T10:20:30+01:00', '2026-03-03T09:20:30.000Z'],
    ['yesterday', null],
    ['3 Xxx 2026 10:20:30 +0000', null],
    ['99 Mar 2026 10:20:30 +0000', null],
    ['', null],
    ['+275000-03-03T10:20:30Z', null],
  ])('of %j is %j', (value, expected) => {
    expect(fieldsOf(`Date: ${value}`).date).toBe(expected);
  });
});
