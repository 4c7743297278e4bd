import { describe, expect, it } from 'vitest';
import { isOwnMessageId, ownMessageId } from '../domain/own-mail.ts';
import { parseToken, replyAddress, tokenFromBytes, tokenInAddress } from '../domain/reply-token.ts';
import { hashReplyToken, makeReplyToken } from './reply-token-secret.ts';

describe('reply tokens', () => {
  it('are 128 random bits in base 32, each its own', () => {
    const tokens = new Set(Array.from({ length: 1000 }, makeReplyToken));
    expect(tokens.size).toBe(1000);
    for (const token of tokens) expect(parseToken(token)).toBe(token);
    expect(tokenFromBytes(new Uint8Array(16))).toBe('a'.repeat(26));
    expect(tokenFromBytes(new Uint8Array(16).fill(255))).toBe(`${'7'.repeat(25)}4`);
    expect(() => tokenFromBytes(new Uint8Array(15))).toThrow(RangeError);
  });

  it('have one hash in any case, and nothing else has one', () => {
    const token = makeReplyToken();
    expect(hashReplyToken(token.toUpperCase())).toEqual(hashReplyToken(token));
    expect(hashReplyToken(token)).toHaveLength(32);
    expect(() => hashReplyToken(`${token}a`)).toThrow(RangeError);
  });

  it('come back from an address that is short enough', () => {
    const token = makeReplyToken();
    expect(tokenInAddress(replyAddress('support@acme.example', token) ?? '')).toBe(token);
    expect(replyAddress(`${'x'.repeat(38)}@acme.example`, token)).toBeNull();
    expect(replyAddress('support', token)).toBeNull();
  });
});

describe('Message-IDs of ours', () => {
  it('are known by their form', () => {
    const id = ownMessageId({ ticketish: 't-42', random: 'abcdefghijklmnop', domain: 'acme.example' });
    expect(id).toBe('<ms.t-42.abcdefghijklmnop@acme.example>');
    expect(isOwnMessageId(id)).toBe(true);
    expect(isOwnMessageId('<ms.42.short@acme.example>')).toBe(false);
    expect(() => ownMessageId({ ticketish: 'a b', random: 'abcdefghijklmnop', domain: 'x' })).toThrow(
      RangeError,
    );
  });
});
