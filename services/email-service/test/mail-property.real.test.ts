/** Whatever the bytes: a valid event, the raw form byte for byte, and no thread lost. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { encodeEntry } from '@mailstream/shared/events/email-received';
import { MESSAGE_KINDS, messageOfKind } from '@mailstream/shared/testing/message-kinds';
import { seededRandom } from '@mailstream/shared/testing/mime-parts';
import { KEY, payloadOf, useMailProcessor } from './mail-fixture.ts';
import { mimePiece } from './mime-pieces.ts';

const mail = useMailProcessor({ parser: { wallMs: 10_000 } });

async function check(raw: Buffer): Promise<void> {
  const processed = await mail.process(raw);
  const entry = encodeEntry(KEY, payloadOf(processed));
  const bytes = Object.values(entry).reduce((sum, value) => sum + Buffer.byteLength(value), 0);
  expect(bytes).toBeLessThan(512 * 1024);
  expect(entry.payload_json).not.toMatch(/\\u0000|\\ud[89a-f]/i);
  expect((await mail.read(processed.raw.storageKey)).equals(raw)).toBe(true);
}

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
      fc.asyncProperty(fc.array(mimePiece, { maxLength: 60 }), async (pieces) => {
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
