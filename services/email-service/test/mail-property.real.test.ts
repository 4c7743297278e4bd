/** Whatever the bytes: a valid event, the raw form byte for byte, and no thread lost. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { encodeEntry } from '@mailstream/shared/events/email-received';
import { MESSAGE_KINDS, messageOfKind } from '@mailstream/shared/testing/message-kinds';
import { seededRandom } from '@mailstream/shared/testing/mime-parts';
import { KEY, payloadOf, useMailProcessor } from './mail-fixture.ts';

const mail = useMailProcessor({ parser: { wallMs: 10_000 } });

async function check(raw: Buffer): Promise<void> {
  const processed = await mail.process(raw);
  const entry = encodeEntry(KEY, payloadOf(processed));
  const bytes = Object.values(entry).reduce((sum, value) => sum + Buffer.byteLength(value), 0);
  expect(bytes).toBeLessThan(512 * 1024);
  expect(entry.payload_json).not.toMatch(/\\u0000|\\ud[89a-f]/i);
  expect((await mail.read(processed.raw.storageKey)).equals(raw)).toBe(true);
}

/** Pieces that mean something to a MIME parser, in any order. */
const piece = fc.constantFrom(
  'From: a <a@x.example>\r\n',
  'To: "b" <b@x>, g: c@x, d@x;\r\n',
  'Subject: =?utf-8?B?w?=\r\n =?utf-8?B?6Q==?=\r\n',
  'Message-ID: <1@x>\r\n',
  'References: <1@x> <2@x>\r\n',
  'Date: Tue, 3 Mar 2026 10:20:30 +0100\r\n',
  'Content-Type: multipart/mixed; boundary=a\r\n',
  'Content-Type: multipart/alternative; boundary="b"\r\n',
  'Content-Type: multipart/digest; boundary=b\r\n',
  'Content-Type: text/plain; charset=iso-2022-jp; format=flowed; delsp=yes\r\n',
  'Content-Type: text/html; charset=utf-16\r\n',
  'Content-Type: message/rfc822\r\n',
  'Content-Type: message/delivery-status\r\n',
  "Content-Disposition: attachment; filename*0*=utf-8''%; filename*1=x\r\n",
  'Content-Transfer-Encoding: base64\r\n',
  'Content-Transfer-Encoding: quoted-printable\r\n',
  'Content-ID: <c@x>\r\n',
  '\r\n',
  '\n',
  '\r',
  ' ',
  '--a\r\n',
  '--b\r\n',
  '--a--\r\n',
  '--b--  \n',
  'text\r\n',
  '=C3=\r\n=A9=\r\n',
  'w6k=\r\n',
  '<p>html &amp;</p>\r\n',
  '\0',
  '\x1b$B$3\x1b(B',
  '\xff\xfe\xe9',
  ':',
);

describe('any message', () => {
  it('of any bytes', async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 2000 }), async (bytes) => {
        await check(Buffer.from(bytes));
      }),
      { numRuns: 150 },
    );
  });

  it('of pieces of MIME in any order', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(piece, { maxLength: 60 }), async (pieces) => {
        await check(Buffer.from(pieces.join(''), 'latin1'));
      }),
      { numRuns: 300 },
    );
  });

  it('of a good one with bytes changed, lost and doubled', async () => {
    const small = { largeAttachmentBytes: 5_000, attachmentCount: 5, recipientCount: 20 };
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(...MESSAGE_KINDS), fc.nat(1_000_000), async (kind, seed) => {
        const random = seededRandom(seed);
        const raw = Buffer.from(messageOfKind(kind, seed, small).raw);
        for (let i = 0; i < 20; i++) raw[Math.floor(random() * raw.length)] = Math.floor(random() * 256);
        const [from, to] = [Math.floor(random() * raw.length), Math.floor(random() * raw.length)];
        await check(Buffer.concat([raw.subarray(0, from), raw.subarray(to)]));
      }),
      { numRuns: 300 },
    );
  });
});
