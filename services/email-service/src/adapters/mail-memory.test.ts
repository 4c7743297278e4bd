import { providerId, tenantId } from '@mailstream/shared/domain/ids';
import { describe, expect, it } from 'vitest';
import type { MailInMemory } from '../ports/mail.ts';
import { DecodeMemory, GroupMemory, packed } from './mail-memory.ts';

const MIB = 1024 * 1024;

function mail(uid: number, text: string): MailInMemory {
  const tenant = tenantId('00000000-0000-4000-8000-000000000001');
  const at = new Date(0);
  return {
    key: { tenant, providerId: providerId(tenant), folder: 'INBOX', uidValidity: 1, uid },
    // A slice of something larger, as it comes from a connection.
    bytes: Buffer.from(`<${text}>`).subarray(1, -1),
    context: { internalDate: at, threadId: null, occurredAt: at },
  };
}

describe('what carries groups to the threads', () => {
  it('is used again when it was given back, and only then', () => {
    const memory = new GroupMemory(2);
    const first = memory.take(10);
    const second = memory.take(10);
    expect(second).not.toBe(first);
    memory.giveBack(first);
    expect(memory.take(20)).toBe(first);
    expect(memory.take(20)).not.toBe(second);
  });

  it('is large enough', () => {
    const memory = new GroupMemory(2);
    const small = memory.take(MIB);
    memory.giveBack(small);
    const large = memory.take(MIB + 1);
    expect(large).not.toBe(small);
    expect(large.byteLength).toBeGreaterThan(MIB);
    expect(memory.take(MIB)).toBe(small);
  });

  it('keeps no more than it was told to', () => {
    const memory = new GroupMemory(1);
    const pieces = [memory.take(1), memory.take(1)];
    for (const piece of pieces) memory.giveBack(piece);
    const again = [memory.take(1), memory.take(1)];
    expect(again.filter((piece) => pieces.includes(piece))).toHaveLength(1);
  });

  it('holds the messages one behind the other, with all that belongs to them', () => {
    const mails = [mail(1, 'first'), mail(2, ''), mail(3, 'third one')];
    const piece = new GroupMemory(1).take(100);
    const sent = packed(mails, piece);
    expect(sent.map(({ key }) => key.uid)).toEqual([1, 2, 3]);
    expect(sent.map(({ bytes }) => Buffer.from(bytes).toString())).toEqual(['first', '', 'third one']);
    expect(sent.every(({ bytes }) => bytes.buffer === piece)).toBe(true);
  });
});

describe('what parts are decoded to', () => {
  it('is taken piece by piece, and anew where there is no room', () => {
    const memory = new DecodeMemory(10);
    const [first, second, third] = [memory.take(4), memory.take(6), memory.take(1)];
    first.fill('a');
    second.fill('b');
    third.fill('c');
    expect([first, second, third].map(String)).toEqual(['aaaa', 'bbbbbb', 'c']);
    expect(second.buffer).toBe(first.buffer);
    expect(third.buffer).not.toBe(first.buffer);
  });

  it('is used again when it is told so, and grows to what is wanted', () => {
    const memory = new DecodeMemory(10);
    const { buffer } = memory.take(10);
    memory.reuse(10);
    expect(memory.take(10).buffer).toBe(buffer);
    memory.reuse(20);
    const { buffer: larger } = memory.take(20);
    expect(larger.byteLength).toBe(20);
  });
});
