/** The standard mailbox is the one that was promised, and statements are read off the wire. */
import { describe, expect, it } from 'vitest';
import { newFileWarning } from './new-file.ts';
import { isFraming, PgStatements } from './pg-statements.ts';
import { STANDARD, standardMessages } from './standard-mailbox.ts';

describe('the standard mailbox', () => {
  const sample = [...standardMessages(400)];

  it('is the same for the same seed, message by message', () => {
    const again = [...standardMessages(20)];
    for (const [n, { raw }] of again.entries()) expect(sample[n]?.raw.equals(raw)).toBe(true);
    const [other] = standardMessages(1, STANDARD.seed + 1);
    expect(other?.raw.equals(sample[0]?.raw ?? Buffer.alloc(0))).toBe(false);
  });
  it('has the sizes and attachments of real mail', () => {
    const share = sample.filter(({ hasAttachment }) => hasAttachment).length / sample.length;
    const mean = sample.reduce((sum, { bytes }) => sum + bytes, 0) / sample.length;
    expect(Math.abs(share - STANDARD.withAttachments)).toBeLessThan(0.07);
    expect(Math.abs(mean / (STANDARD.bytes / STANDARD.messages) - 1)).toBeLessThan(0.25);
  });
  it('is told in the size that IMAP sends', () => {
    for (const { raw, bytes } of sample.slice(0, 30))
      expect(raw.toString('latin1').replace(/\n/g, '\r\n').length).toBe(bytes);
  });
  it('is mail: short lines of ASCII, parts that end', () => {
    for (const { raw, hasAttachment } of sample.slice(0, 60)) {
      const text = raw.toString('latin1');
      expect(text).not.toMatch(/[^\x09\x0a\x20-\x7e]/);
      expect(Math.max(...text.split('\n').map((line) => line.length))).toBeLessThan(998);
      if (hasAttachment) expect(text).toMatch(/\n--mix--\n$/);
    }
  });
});

describe('statements on the wire', () => {
  const words = (...texts: readonly string[]): Buffer => Buffer.from(`${texts.join('\0')}\0`);
  const message = (type: string, body: Buffer): Buffer => {
    const head = Buffer.alloc(5);
    head.write(type);
    head.writeUInt32BE(body.length + 4, 1);
    return Buffer.concat([head, body]);
  };
  const startUp = (code: number, body: Buffer = Buffer.alloc(0)): Buffer => {
    const head = Buffer.alloc(8);
    head.writeUInt32BE(body.length + 8, 0);
    head.writeUInt32BE(code, 4);
    return Buffer.concat([head, body]);
  };
  const TLS_REQUEST = 80_877_103;
  const PROTOCOL_3 = 196_608;
  const session = Buffer.concat([
    startUp(TLS_REQUEST),
    startUp(PROTOCOL_3, words('user', 'u', 'application_name', 'daemon', '')),
    message('p', words('secret')),
    message('Q', words('BEGIN; SELECT 1')),
    message('P', words('', 'SELECT $1')),
    message('B', words('', '')),
    message('E', Buffer.concat([words(''), Buffer.alloc(4)])),
    message('P', words('kept', 'UPDATE größe')),
    message('B', words('', 'kept')),
    message('E', Buffer.concat([words(''), Buffer.alloc(4)])),
    message('B', words('', 'kept')),
    message('E', Buffer.concat([words(''), Buffer.alloc(4)])),
    message('S', Buffer.alloc(0)),
  ]);
  const read = (pieces: readonly Buffer[]): { ran: readonly string[]; application: string } => {
    const ran: string[] = [];
    let application = '';
    const statements = new PgStatements({
      connected: (parameters) => (application = parameters['application_name'] ?? ''),
      ran: (text) => ran.push(text),
    });
    for (const piece of pieces) statements.push(piece);
    return { ran, application };
  };

  it('are told once for each run, prepared ones too', () => {
    expect(read([session])).toEqual({
      application: 'daemon',
      ran: ['BEGIN; SELECT 1', 'SELECT $1', 'UPDATE größe', 'UPDATE größe'],
    });
  });
  it('are the same when bytes come one by one', () => {
    const bytes = Array.from(session, (byte) => Buffer.of(byte));
    expect(read(bytes)).toEqual(read([session]));
  });
  it.each([
    ['BEGIN; SELECT set_config()', true],
    ['commit', true],
    ['SELECT 1', false],
    ['SETTLE', false],
  ])('frame work or are work: %s', (text, framing) => expect(isFraming(text)).toBe(framing));
});

describe('a machine on which new files are slow', () => {
  it('is warned of', () => expect(newFileWarning(0.52)).toContain('A new file takes 0.52 ms here'));
  it('is an exception', () => expect(newFileWarning(0.09)).toBeNull());
});
