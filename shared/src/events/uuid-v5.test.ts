import { expect, test } from 'vitest';
import { providerId, tenantId } from '../domain/ids.ts';
import { eventId } from './email-received.ts';
import { uuidV5 } from './uuid-v5.ts';

const DNS = '6ba7b810-9dad-11d1-80b4-00c04fd430c8';

test('the example of RFC 9562 (appendix A.4)', () => {
  expect(uuidV5('www.example.com', DNS)).toBe('2ed6657d-e927-568b-95e1-2665a8aea6a2');
});

test.each([
  ['', '4ebd0208-8328-5d69-8c44-ec50939c0967'],
  ['é', 'ebfe0af8-3997-5ade-b634-ba92cf69f557'],
])('a name is hashed as UTF-8: %j', (name, expected) => {
  expect(uuidV5(name, DNS)).toBe(expected);
});

test('the id of an event is the same for ever: consumers know messages by it', () => {
  const key = {
    tenant: tenantId('7f1b8e9a-1111-4222-8333-444455556666'),
    providerId: providerId('0b1b8e9a-1111-4222-8333-444455556666'),
    folder: 'Entwürfe "x"',
    uidValidity: 7,
    uid: 42,
  };
  expect(eventId(key)).toBe('cea083a1-27bb-5f86-afdc-07c743f191dd');
});
