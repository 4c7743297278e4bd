import { randomUUID } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { anEntry, fieldsOf } from '../test/emails.ts';
import { decode } from './entry-decoder.ts';

const tenant = randomUUID();
const providerId = randomUUID();
const stream = 'workflow:events:global';

function changed(change: (fields: Record<string, string>) => void): ReturnType<typeof decode> {
  const fields: Record<string, string> = { ...anEntry({ tenant, providerId, uid: 1 }) };
  change(fields);
  return decode({ stream, id: '1-0', fields: Object.entries(fields).flat() });
}

function payload(
  change: (payload: Record<string, unknown> & { emailData: Record<string, unknown> }) => void,
): ReturnType<typeof decode> {
  return changed((fields) => {
    const value = JSON.parse(fields['payload_json'] ?? '') as Parameters<typeof change>[0];
    change(value);
    fields['payload_json'] = JSON.stringify(value);
  });
}

describe('decode', () => {
  it('reads an entry as the daemon writes it, from the global stream and its tenant’s own', () => {
    const fields = fieldsOf(anEntry({ tenant, providerId, uid: 1 }));
    for (const name of [stream, `workflow:events:tenant:${tenant}`])
      expect(decode({ stream: name, id: '1-0', fields })).toMatchObject({
        kind: 'email',
        message: { tenant, providerId },
      });
  });

  it('takes unknown fields and an unknown version of the payload’s additions', () => {
    expect(payload((value) => (value.emailData['newField'] = 1)).kind).toBe('email');
    expect(changed((fields) => (fields['extra'] = 'x')).kind).toBe('email');
  });

  it.each([
    ['another tenant in the payload', (value: Record<string, unknown>) => (value['tenant'] = randomUUID())],
    [
      'another tenantId in the payload',
      (value: Record<string, unknown>) => (value['tenantId'] = randomUUID()),
    ],
    [
      'another provider in the payload',
      (value: Record<string, unknown>) => (value['providerId'] = randomUUID()),
    ],
  ])('refuses %s and blames no ledger row', (_, change) => {
    expect(payload(change)).toMatchObject({ kind: 'invalid', code: 'TENANT_MISMATCH', identity: null });
  });

  it('refuses an entry in the stream of another tenant', () => {
    const entry = {
      stream: `workflow:events:tenant:${randomUUID()}`,
      id: '1-0',
      fields: fieldsOf(anEntry({ tenant, providerId, uid: 1 })),
    };
    expect(decode(entry)).toMatchObject({ kind: 'invalid', code: 'TENANT_MISMATCH' });
  });

  it('names what is wrong with an entry, without its content, and whose it is where that is sure', () => {
    const broken = payload((value) => (value.emailData['subject'] = { canary: 'secret' }));
    expect(broken).toMatchObject({ kind: 'invalid', code: 'ENTRY_INVALID', identity: { tenant } });
    expect(JSON.stringify(broken)).toContain('emailData.subject');
    expect(JSON.stringify(broken)).not.toContain('secret');
    const noJson = changed((fields) => (fields['payload_json'] = '{"canary'));
    expect(noJson).toMatchObject({ kind: 'invalid', detail: 'payload_json is not JSON' });
    expect(changed((fields) => delete fields['tenant'])).toMatchObject({ kind: 'invalid', identity: null });
  });

  it.each([[[]], [['a']], [['payload_json', '\u0000']]])('refuses the fields %j', (fields) => {
    expect(decode({ stream, id: '1-0', fields }).kind).toBe('invalid');
  });
});
