import { describe, expect, it } from 'vitest';
import { parseNotice } from './notices.ts';

const tenant = '7d0c2f6e-3f0e-4f0a-9d57-0a4b0c1f2a33';
const id = '0b8f7a3c-5a51-4d0e-8e0a-1c2d3e4f5a6b';

describe('parseNotice', () => {
  it('reads tenant and provider, in lower case', () => {
    expect(parseNotice(JSON.stringify({ tenant: tenant.toUpperCase(), id }))).toEqual({ tenant, id });
  });

  it.each([
    undefined,
    '',
    'x',
    '[]',
    '{}',
    'null',
    JSON.stringify({ tenant, id: 'x' }),
    JSON.stringify({ tenant: 5, id }),
  ])('ignores %s', (payload) => expect(parseNotice(payload)).toBeNull());
});
