import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isForwardSubject, splitReplyText } from './reply-text.ts';

const visible = (text: string, subject = 'Re: x'): string => splitReplyText(text, subject).visible;

describe('the earlier conversation goes, whatever introduces it', () => {
  it.each([
    ['English', 'On Tue, Mar 4, 2025 at 9:12 AM Ann Lee <ann@x.example> wrote:'],
    ['English over lines', 'On Tue, Mar 4, 2025 at 9:12 AM Ann Lee via Desk\n<ann@x.example>\nwrote:'],
    ['German', 'Am Di., 4. März 2025 um 09:12 Uhr schrieb Ann Lee <ann@x.example>:'],
    ['German without address', 'Am 04.03.25 um 09:12 schrieb Ann Lee:'],
    ['French', 'Le mar. 4 mars 2025 à 09:12, Ann Lee <ann@x.example> a écrit :'],
    ['Spanish', 'El mar, 4 mar 2025 a las 9:12, Ann Lee (<ann@x.example>) escribió:'],
    ['Portuguese', 'Em ter., 4 de mar. de 2025 às 09:12, Ann Lee <ann@x.example> escreveu:'],
    ['Italian', 'Il giorno mar 4 mar 2025 alle ore 09:12 Ann Lee <ann@x.example> ha scritto:'],
    ['Dutch', 'Op di 4 mrt 2025 om 09:12 schreef Ann Lee <ann@x.example>:'],
    ['Swedish', 'Den tis 4 mars 2025 kl 09:12 skrev Ann Lee <ann@x.example>:'],
    ['Danish', 'Den 4. marts 2025 kl. 09.12 skrev Ann Lee <ann@x.example>:'],
    ['Finnish', 'ti 4. maalisk. 2025 klo 9.12 Ann Lee (ann@x.example) kirjoitti:'],
    ['Polish', 'wt., 4 mar 2025 o 09:12 Ann Lee <ann@x.example> napisał(a):'],
    ['Czech', 'út 4. 3. 2025 v 9:12 odesílatel Ann Lee <ann@x.example> napsal:'],
    ['Hungarian', 'Ann Lee <ann@x.example> ezt írta (időpont: 2025. márc. 4., K, 9:12):'],
    ['Russian', 'вт, 4 мар. 2025 г. в 09:12, Ann Lee <ann@x.example>:'],
    ['Ukrainian', 'вт, 4 бер. 2025 р. о 09:12 Ann Lee <ann@x.example> пише:'],
    ['Turkish', 'Ann Lee <ann@x.example>, 4 Mar 2025 Sal, 09:12 tarihinde şunu yazdı:'],
    ['Greek', 'Στις Τρί 4 Μαρ 2025 στις 9:12 π.μ., ο χρήστης Ann Lee <ann@x.example> έγραψε:'],
    ['Japanese', '2025年3月4日(火) 9:12 Ann Lee <ann@x.example>:'],
    ['Chinese', 'Ann Lee <ann@x.example> 于2025年3月4日周二 09:12写道：'],
    ['Korean', '2025년 3월 4일 (화) 오전 9:12, Ann Lee <ann@x.example>님이 작성:'],
    ['Yahoo', '    On Tuesday, 4 March 2025 at 09:12:33 GMT, Ann Lee <ann@x.example> wrote:  '],
    ['Zoho', '---- On Tue, 04 Mar 2025 09:12:17 +0100 Ann Lee <ann@x.example> wrote ----'],
  ])('attribution in %s', (_, attribution) => {
    expect(visible(`It works now.\n\n${attribution}\n\n> Does it?\n> Ann\n`)).toBe('It works now.');
    expect(visible(`It works now.\n\n${attribution}\n\nDoes it?\n\nAnn\n`)).toBe('It works now.');
  });

  it.each([
    ['English', 'From: Ann Lee <ann@x.example>\nSent: Tuesday, March 4, 2025 9:12 AM\nTo: Bob\nSubject: x'],
    ['bold', '*From:* Ann Lee\n*Sent:* Tuesday\n*To:* Bob\n*Subject:* x'],
    ['with blank lines between', 'From: Ann\n\nSent: Tuesday\n\nTo: Bob\n\nSubject: x'],
    ['below a line', '________________________________\nVon: Ann\nGesendet: Dienstag\nAn: Bob\nBetreff: x'],
    ['French', 'De : Ann\nEnvoyé : mardi 4 mars\nÀ : Bob\nCc : Eve\nObjet : x'],
    ['Spanish', 'De: Ann\nEnviado el: martes\nPara: Bob\nAsunto: x'],
    ['Polish', 'Od: Ann\nWysłano: wtorek\nDo: Bob\nTemat: x'],
    ['Russian', 'От: Ann\nОтправлено: вторник\nКому: Bob\nТема: x'],
    ['Chinese', '发件人: Ann\n发送时间: 2025年3月4日\n收件人: Bob\n主题: x'],
    ['Japanese', '差出人: Ann\n送信日時: 2025年3月4日\n宛先: Bob\n件名: x'],
    ['without a subject', 'From: Ann\nSent: Tuesday\nTo: Bob'],
    ['named', '-----Ursprüngliche Nachricht-----\nVon: Ann'],
    ['Proton', '------- Original Message -------\nAnn'],
    ['our line', '##- Please type your reply above this line -##'],
  ])('header block: %s', (_, block) => {
    const split = splitReplyText(`It works now.\n\n${block}\n\nDoes it?\n`, 'Re: x');
    expect(split.visible).toBe('It works now.');
    expect(split.quoted).toContain('Does it?');
  });

  it.each([
    ['the mark of RFC 3676', 'It works now.\n\n-- \nAnn Lee\nAcme\n+1 555'],
    ['a device', 'It works now.\nSent from my iPhone'],
    ['a device in German', 'It works now.\n\nVon meinem iPhone gesendet'],
    ['Outlook', 'It works now.\n\nGet Outlook for iOS<https://aka.ms/o0ukef>\n'],
    ['above a quote', 'It works now.\n\n--\nAnn\n\nOn 4 Mar 2025 Bob wrote:\n> Does it?'],
    ['below a quote', 'It works now.\n\nOn 4 Mar 2025 Bob wrote:\n> Does it?\n\n-- \nAnn'],
  ])('signature: %s', (_, text) => {
    expect(visible(text)).toBe('It works now.');
  });
});

describe('what is new stays', () => {
  it('between quoted lines', () => {
    const text = 'On 4 Mar 2025 Bob wrote:\n> Which one?\nThe red one.\n> Since when?\nMonday.\n> Bob\n';
    expect(visible(text)).toBe('> Which one?\nThe red one.\n> Since when?\nMonday.');
  });

  it('below the quote', () => {
    expect(visible('On 4 Mar 2025 Bob wrote:\n> Which one?\n\nThe red one.\n')).toBe('The red one.');
  });

  it.each([
    [
      'Gmail',
      '---------- Forwarded message ---------\nFrom: Ann <ann@x.example>\nDate: Tue\nSubject: Fire\nTo: Bob',
    ],
    ['Apple Mail', 'Begin forwarded message:\n\nFrom: Ann <ann@x.example>\nSubject: Fire'],
    ['Apple Mail in French', 'Début du message transféré :\n\nDe: Ann\nObjet: Fire'],
    ['Thunderbird', '-------- Weitergeleitete Nachricht --------\nBetreff: Fire'],
    ['Yandex', '-------- Начало переадресованного сообщения --------\nAnn'],
  ])('as a message that is forwarded by %s', (_, head) => {
    const text = `Please look.\n\n${head}\n\nIt burns.\n\nOn 3 Mar 2025 Eve wrote:\n> Does it?`;
    expect(visible(text, 'Fwd: Fire')).toBe(text);
  });

  it('as a message that Outlook forwards, for the subject says so', () => {
    const text = 'Please look.\n\nFrom: Ann\nSent: Tuesday\nTo: Bob\nSubject: Fire\n\nIt burns.';
    expect(visible(text, 'FW: Fire')).toBe(text);
    expect(visible(text, 'RE: FW: Fire')).toBe('Please look.');
  });

  it.each([
    ['a table of travel', 'Please book:\n\nFrom: Berlin\nTo: Munich\nDate: Monday\n\nThank you'],
    ['a form', 'Name: Ann\nSubject: Fire\nDate: today\n\nIt burns.'],
    ['sentences with the words', 'On Monday I wrote:\nnothing happens.\n\nOn this day\nwe wrote\nnothing.'],
    ['dates alone', 'These formats fail:\n\n2024-01-15 14:30:25\n15.01.2024 14:30\n\nWhy?'],
    ['rules between paragraphs', 'First\n----\n\nSecond\n\n====\n\nThird paragraph of this.'],
    ['code', 'Look:\n\n```\n> not a quote\n-- \nnot a signature\n```\n'],
    ['words of a signature in a sentence', 'The parcel was\nsent by DHL'],
    ['only a quote', '> Which one?'],
    ['only a header block', 'From: Ann\nSent: Tuesday\nTo: Bob\nSubject: x\n\nIt burns.'],
    ['a long text below two dashes', `Hello\n--\n${'line\n'.repeat(60)}end`],
  ])('as %s', (_, text) => {
    expect(visible(text)).toBe(text.trim());
  });

  it('with its own white space, without that around it', () => {
    expect(visible('\n\n  a\n\n\n\tb  \n\n> old')).toBe('  a\n\n\n\tb  ');
  });
});

describe('isForwardSubject', () => {
  it.each(['Fwd: x', 'FW: x', 'WG: x', '[list] Fwd: x', 'TR : x', '转发：x', 'fwd[2]: x'])(
    '%s',
    (subject) => {
      expect(isForwardSubject(subject)).toBe(true);
    },
  );

  it.each(['Re: Fwd: x', 'x', 'Forward: march', 'AW: WG: x', ''])('not %s', (subject) => {
    expect(isForwardSubject(subject)).toBe(false);
  });
});

describe('any text', () => {
  const line = fc.constantFrom(
    'On Tue, Mar 4, 2025 at 9:12 AM Ann <a@x.example> wrote:',
    'On 4 Mar',
    '<a@x.example> wrote:',
    '> quoted',
    '>> deeper',
    '',
    '  ',
    '-- ',
    '_____________',
    'From: Ann <a@x.example>',
    'Sent: Tuesday',
    'To: Bob',
    'Subject: x',
    '-----Original Message-----',
    'Begin forwarded message:',
    'Sent from my iPhone',
    '```',
    'Some words of somebody.',
  );
  const text = fc.array(fc.oneof(line, fc.string({ unit: 'grapheme' }))).map((lines) => lines.join('\n'));

  it('is split into lines of its own, of which none is lost, and never into nothing', () => {
    fc.assert(
      fc.property(text, fc.constantFrom('', 'Fwd: x'), (whole, subject) => {
        const split = splitReplyText(whole, subject);
        const lines = whole.split(/\r\n|\n|\r/).filter((one) => one.trim() !== '');
        const shown = split.visible.split('\n').filter((one) => one.trim() !== '');
        expect(shown.length === 0).toBe(lines.length === 0);
        const both = [...shown, ...split.quoted.split('\n').filter((one) => one.trim() !== '')];
        const trimmed = (list: readonly string[]): readonly string[] =>
          list.map((one) => one.trim()).toSorted();
        expect(trimmed(both)).toEqual(trimmed(lines));
      }),
    );
  });

  it('of more lines than are looked at is cut as a whole or not at all', () => {
    const quote = '> x\n'.repeat(6000);
    expect(visible(`New.\n\nOn 4 Mar 2025 Bob wrote:\n${quote}`)).toBe('New.');
    const long = 'x\n'.repeat(6000);
    expect(visible(long)).toBe(long.trimEnd());
  });

  it.each<readonly [name: string, piece: string]>([
    ['one line', 'a'],
    ['marks of quotes', '>'],
    ['openers', 'On 1\n'],
    ['attributions', 'On Mon 1, Ann <a@x.example> wrote:\n'],
    ['attributions and quotes', 'On Mon 1, Ann <a@x.example> wrote:\n> x\n'],
    ['ends of attributions', 'wrote:\n'],
    ['header blocks without end', 'From: a\nTo: b\n\n'],
    ['signatures', '-- \nx\n'],
    ['devices', 'Sent from my x\n\n'],
    ['colons', 'x:\n'],
    ['blank lines', '\n'],
  ])('of a megabyte of %s takes no longer than a moment', (_, piece) => {
    const whole = `Hello\n${piece.repeat(Math.ceil(1_000_000 / piece.length))}`;
    const started = performance.now();
    splitReplyText(whole);
    expect(performance.now() - started).toBeLessThan(2000);
  });
});
