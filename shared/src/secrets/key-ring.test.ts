import { randomBytes } from 'node:crypto';
import { inspect } from 'node:util';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type KeyRing, parseKeyRing } from './key-ring.ts';

const bytes = randomBytes(32);
const other = randomBytes(32);

function ring(text: string): KeyRing {
  const result = parseKeyRing(text);
  if (result.kind === 'problem') throw new Error(result.text);
  return result.ring;
}

function problem(text: string): string {
  const result = parseKeyRing(text);
  return result.kind === 'problem' ? result.text : 'no problem';
}

describe('parseKeyRing', () => {
  it('reads one key in base64, base64url or hex, under the same name', () => {
    const rings = [bytes.toString('base64'), bytes.toString('base64url'), bytes.toString('hex')].map(ring);
    for (const one of rings) {
      expect(one.key(one.currentId)).toEqual(bytes);
      expect(one.currentId).toBe(rings[0]?.currentId);
    }
  });

  it('seals with the first of several keys and keeps the others', () => {
    const two = ring(`new:${bytes.toString('base64')}, old:${other.toString('base64')}`);
    expect(two.currentId).toBe('new');
    expect(two.ids).toEqual(['new', 'old']);
    expect(two.key('old')).toEqual(other);
    expect(two.key('older')).toBeNull();
  });

  it('refuses what is not a key, names its place and shows no part of it', () => {
    for (const bad of [
      '',
      'changeme',
      randomBytes(16).toString('base64'),
      randomBytes(33).toString('base64'),
    ]) {
      expect(problem(bad)).toMatch(/^key 1 of SECRETS_MASTER_KEY is not 32 bytes/);
      if (bad !== '') expect(problem(bad)).not.toContain(bad);
    }
    expect(problem(`a:${bytes.toString('hex')},b:short`)).toMatch(/^key 2 .* is not 32 bytes/);
    expect(problem(`a b:${bytes.toString('hex')}`)).toMatch(/has a name that is not/);
    expect(problem(`a:${bytes.toString('hex')},a:${other.toString('hex')}`)).toMatch(
      /name of an earlier one/,
    );
    expect(problem(Buffer.alloc(32, 7).toString('base64'))).toMatch(/placeholder/);
  });

  it('never shows a key', () => {
    const shown = inspect({ ring: ring(bytes.toString('hex')) }, { depth: 9, showHidden: true });
    expect(shown).toContain('[secret]');
    expect(JSON.stringify(ring(bytes.toString('hex')))).toBe('"[secret]"');
  });

  it('answers any text with a ring or a problem', () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        expect(['ok', 'problem']).toContain(parseKeyRing(text).kind);
      }),
    );
  });
});
