import { describe, expect, it } from 'vitest';
import { splitReply } from './split-reply.ts';

const html = (source: string, subject = 'Re: Printer'): ReturnType<typeof splitReply> =>
  splitReply({ body: { text: '', html: source }, subject });

/** The words that are shown, so that a test does not depend on where the cut runs between tags. */
const words = (source: string | null): string =>
  (source ?? '')
    .replaceAll(/<[^>]*>/g, ' ')
    .replaceAll(/&nbsp;|\s+/g, ' ')
    .trim();

const replies: readonly (readonly [program: string, source: string])[] = [
  [
    'Gmail',
    `<div dir="ltr">It works now.</div><br><div class="gmail_quote gmail_quote_container"><div dir="ltr" class="gmail_attr">Nonsense in some language &lt;<a href="mailto:a@x.example">a@x.example</a>&gt;<br></div><blockquote class="gmail_quote" style="margin:0 0 0 .8ex;border-left:1px solid rgb(204,204,204)"><div>OLD <img src="cid:old"></div></blockquote></div>`,
  ],
  [
    'Gmail of former years',
    `<div>It works now.</div><div class="gmail_extra"><br><div class="gmail_quote">On Mon, May 5, 2014 at 10:00 AM, Ann <span>&lt;<a href="mailto:a@x.example">a@x.example</a>&gt;</span> wrote:<br><blockquote class="gmail_quote" style="border-left:1px #ccc solid">OLD</blockquote></div></div>`,
  ],
  [
    'Apple Mail',
    `<html><body>It works now.<div><br><blockquote type="cite"><div>On 5 May 2025, at 10:00, Ann &lt;a@x.example&gt; wrote:</div><br><div>OLD</div></blockquote></div><br></body></html>`,
  ],
  [
    'Thunderbird',
    `<html><body><p>It works now.</p><div class="moz-cite-prefix">Am 05.05.25 um 10:00 schrieb Ann:<br></div><blockquote type="cite" cite="mid:x"><pre class="moz-quote-pre" wrap="">OLD\nOLD too</pre></blockquote></body></html>`,
  ],
  [
    'Outlook on the web',
    `<div>It works now.</div><div id="appendonsend"></div><hr style="display:inline-block;width:98%" tabindex="-1"><div id="divRplyFwdMsg" dir="ltr"><b>Kimden:</b> Ann<br><b>Konu:</b> x</div><div>OLD</div>`,
  ],
  [
    'Outlook for Windows',
    `<div class="WordSection1"><p class="MsoNormal">It works now.<o:p></o:p></p><div><div style="border:none;border-top:solid #E1E1E1 1.0pt;padding:3.0pt 0in 0in 0in"><p class="MsoNormal"><b>From:</b> Ann &lt;a@x.example&gt;<br><b>Sent:</b> Monday, May 5, 2025 10:00 AM<br><b>To:</b> Bob<br><b>Subject:</b> Printer<o:p></o:p></p></div></div><p class="MsoNormal">OLD</p></div>`,
  ],
  [
    'Outlook for iOS',
    `<div>It works now.</div><div id="ms-outlook-mobile-signature">Get <a href="https://aka.ms/o0ukef">Outlook for iOS</a></div><hr><div id="divRplyFwdMsg"><b>From:</b> Ann</div><div>OLD</div>`,
  ],
  [
    'Yahoo',
    `<div class="ydp1yahoo-style-wrap"><div>It works now.</div></div><div id="yahoo_quoted_123" class="yahoo_quoted"><div>Nonsense:</div><div>OLD</div></div>`,
  ],
  [
    'Proton',
    `<div>It works now.</div><div class="protonmail_quote">On Monday, May 5th, 2025 at 10:00 AM, Ann &lt;a@x.example&gt; wrote:<br><br><blockquote class="protonmail_quote" type="cite">OLD</blockquote></div>`,
  ],
  [
    'Zimbra',
    `<div>It works now.</div><hr id="zwchr" data-marker="__DIVIDER__"><div data-marker="__HEADERS__"><b>Od: </b>"Ann"</div><div>OLD</div>`,
  ],
  [
    'a helpdesk with a line to answer above',
    `<div>It works now.</div><blockquote><div>##- Please type your reply above this line -##</div><div>OLD</div></blockquote>`,
  ],
  [
    'QQ',
    `<div>It works now.</div><div>------------------&nbsp;原始邮件&nbsp;------------------</div><div><b>发件人:</b> Ann</div><div>OLD</div>`,
  ],
];

describe('the quoted part of HTML goes', () => {
  it.each(replies)('of %s', (_, source) => {
    const split = html(source);
    expect(words(split.html)).toBe('It works now.');
    expect(split.quotedHtml).toContain('OLD');
    expect(split.html).not.toContain('cid:old');
  });

  it('of a message that Outlook on the web shows inside another', () => {
    const source = replies[0]?.[1].replaceAll(/class="([^"]*)"/g, (_, names: string) => `class="x_${names}"`);
    expect(words(html(source ?? '').html)).toBe('It works now.');
  });

  it('of text that a server wrapped into HTML', () => {
    const source =
      '<div style="white-space: pre-wrap">It works now.\n\nOn 4 Mar 2025 Ann wrote:\n&#62; OLD</div>';
    expect(words(html(source).html)).toBe('It works now.');
  });

  it('and leaves the rest as it was, with balanced tags', () => {
    const split = html(
      '<div><p class="a">New &amp; shiny<p>more</div><div class="gmail_quote"><blockquote class="gmail_quote">OLD</blockquote></div>',
    );
    expect(split.html).toBe('<div><p class="a">New &amp; shiny<p>more</div>');
    expect(split.quotedHtml).toBe(
      '<div class="gmail_quote"><blockquote class="gmail_quote">OLD</blockquote></div>',
    );
  });
});

describe('what is new in HTML stays', () => {
  it('between quoted lines, with the quotes that it answers', () => {
    const split = html(
      `<div class="gmail_quote"><div class="gmail_attr">On Monday Ann wrote:<br></div><blockquote class="gmail_quote">Which printer?</blockquote><div>The red one.</div><blockquote class="gmail_quote">Since when?</blockquote><div>Monday.</div><blockquote class="gmail_quote">Regards</blockquote></div>`,
    );
    expect(words(split.html)).toBe('Which printer? The red one. Since when? Monday.');
  });

  it('below the quote', () => {
    const split = html(
      `<div class="moz-cite-prefix">On 05/05/25 10:00, Ann wrote:<br></div><blockquote type="cite">OLD</blockquote><p>It works now.</p>`,
    );
    expect(words(split.html)).toBe('It works now.');
  });

  it.each([
    [
      'Gmail',
      `<div>Please look.</div><div class="gmail_quote"><div class="gmail_attr">---------- Forwarded message ---------<br>From: <b>Ann</b> &lt;a@x.example&gt;<br>Date: Mon<br>Subject: Fire<br>To: b@x.example<br></div><br><div>It burns.</div></div>`,
      'Fwd: Fire',
    ],
    [
      'Outlook',
      `<div>Please look.</div><div id="divRplyFwdMsg"><b>From:</b> Ann<br><b>Sent:</b> Monday<br><b>To:</b> Bob<br><b>Subject:</b> Fire</div><div>It burns.</div>`,
      'WG: Fire',
    ],
    [
      'Thunderbird',
      `<p>Please look.</p><div class="moz-forward-container"><br>-------- Weitergeleitete Nachricht --------<table><tr><th>Betreff:</th><td>Fire</td></tr></table>It burns.</div>`,
      'Fwd: Fire',
    ],
  ])('as a message that is forwarded by %s', (_, source, subject) => {
    const split = html(source, subject);
    expect(words(split.html)).toMatch(/^Please look\..*Fire.*It burns\.$/);
    expect(split.quotedHtml).toBe('');
  });

  it('as an image above the quote, which is all there is', () => {
    const split = html(
      '<div><img src="cid:screenshot"></div><div class="gmail_quote"><blockquote class="gmail_quote">OLD</blockquote></div>',
    );
    expect(split.html).toBe('<div><img src="cid:screenshot"></div>');
  });

  it('as a paragraph that is only indented', () => {
    const source =
      '<div>Look:</div><blockquote style="margin:0 0 0 40px;border:none;padding:0px"><div>Error 5</div></blockquote>';
    expect(html(source).html).toBe(source);
  });

  it('as everything, where nothing else is left', () => {
    const source = '<blockquote type="cite">OLD</blockquote>';
    expect(html(source).html).toBe(source);
  });
});

describe('text and HTML of one message', () => {
  it('give the text of the HTML where only the markup tells what is quoted', () => {
    const split = splitReply({
      subject: 'Re: x',
      body: {
        text: 'Nun funcionas.\n\nJe lundo Ann diris tion ĉi:\n\nMALNOVA',
        html: '<div>Nun funcionas.</div><div class="gmail_quote"><div class="gmail_attr">Je lundo Ann diris tion ĉi:</div><blockquote class="gmail_quote">MALNOVA</blockquote></div>',
      },
    });
    expect(split.text).toBe('Nun funcionas.');
    expect(split.quotedText).toContain('MALNOVA');
  });

  it('are left alone without HTML', () => {
    expect(splitReply({ subject: 'x', body: { text: 'Hello' } })).toEqual({
      text: 'Hello',
      html: null,
      quotedText: '',
      quotedHtml: '',
    });
  });
});

describe('hostile HTML is read in linear time', () => {
  it.each<readonly [name: string, piece: string]>([
    ['open tags', '<div>'],
    ['open and foreign close tags', '<b></i>'],
    ['close tags', '</div>'],
    ['quotes in quotes', '<blockquote type="cite">a'],
    ['line breaks', '<br>'],
    ['entities', '&amp;'],
    ['brackets', '<'],
    ['attributions', '<div class="gmail_attr">On x wrote:</div>'],
    ['attributes', '<a b="'],
    ['pre with lines', '<pre>\n'],
  ])('%s', (_, piece) => {
    const source = piece.repeat(Math.ceil(400_000 / piece.length));
    const started = performance.now();
    splitReply({ subject: '', body: { text: '', html: source } });
    expect(performance.now() - started).toBeLessThan(2000);
  });
});
