/** The parts of reply tokens that need a source of randomness and a hash. */
import { createHash, randomBytes } from 'node:crypto';
import { parseToken, tokenFromBytes } from '../domain/reply-token.ts';

export function makeReplyToken(): string {
  return tokenFromBytes(randomBytes(16));
}

/**
 * What `email_reply_tokens.token_hash` holds. Plain SHA-256 is enough: a token has 128 random bits, there is no dictionary of them.
 * @throws RangeError where it is no token
 */
export function hashReplyToken(token: string): Buffer {
  const spelled = parseToken(token);
  if (spelled === null) throw new RangeError('not a reply token');
  return createHash('sha256').update(`mailstream-reply-token:${spelled}`).digest();
}
