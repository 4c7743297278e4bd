import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { anEmail } from '../../test/emails.ts';
import { organisationalDomain } from '../organisational-domain.ts';
import { parseAuthenticationResults } from './authentication-results.ts';
import { assessAuthentication, type AuthenticationVerdict, type TrustedServer } from './authentication.ts';
import { knownMailServer } from './known-mail-servers.ts';

const MX: TrustedServer = { authservIds: ['mx.acme.example'], writesNoId: false, fields: 1 };

interface Given {
  readonly from?: string;
  readonly fromFields?: readonly string[];
  readonly trusted?: TrustedServer | null;
}

function verdict(fields: readonly string[], given: Given = {}): AuthenticationVerdict {
  const { from = 'boss@corp.example.com', fromFields = [from], trusted = MX } = given;
  const email = anEmail({
    from: { email: from },
    authentication: [...fields],
    headers: fromFields.map((value) => ({ name: 'From', value })),
  });
  return assessAuthentication(email, { trusted, organisationalDomain });
}

describe('a sender is proven by the results of the own server', () => {
  it.each<readonly [by: string, field: string]>([
    ['dmarc', 'mx.acme.example; dmarc=pass (p=none) header.from=corp.example.com'],
    ['dmarc', 'MX.acme.example 1; spf=fail smtp.mailfrom=x.example; DMARC=Pass header.from=example.com'],
    ['dkim', 'mx.acme.example; dkim=pass header.d=mail.example.com header.s=a header.b=ab=='],
    ['dkim', 'mx.acme.example; dkim=fail header.d=example.com; dkim=pass (ok; really) header.i=@example.com'],
    ['spf', 'mx.acme.example; spf=pass smtp.mailfrom="odd name"@example.com'],
    ['spf', 'mx.acme.example; dmarc=none header.from=example.com; spf=pass smtp.mailfrom=bounce.example.com'],
  ])('by %s: %s', (by, field) => {
    expect(verdict([field])).toEqual({ aligned: true, by, reason: 'passed', domain: 'corp.example.com' });
  });

  it.each<readonly [reason: string, field: string]>([
    ['not_aligned', 'mx.acme.example; dkim=pass header.d=evil.example; spf=pass smtp.mailfrom=evil.example'],
    ['not_aligned', 'mx.acme.example; dmarc=pass header.from=evil.example'],
    ['not_aligned', 'mx.acme.example; dmarc=pass'],
    ['not_aligned', 'mx.acme.example; dmarc=bestguesspass header.from=example.com'],
    ['not_aligned', 'mx.acme.example; spf=pass smtp.helo=mail.example.com'],
    ['not_aligned', 'mx.acme.example; none'],
    ['not_aligned', 'mx.acme.example; spf=fail (dmarc=pass header.from=example.com)'],
    ['not_aligned', 'mx.acme.example; x=y reason="dmarc=pass; header.from=example.com"'],
    ['not_aligned', 'mx.acme.example; spf=pass smtp.mailfrom="a@example.com"@evil.example'],
    ['dmarc_failed', 'mx.acme.example; dmarc=fail header.from=example.com; dkim=pass header.d=example.com'],
    ['dmarc_twice', 'mx.acme.example; dmarc=none header.from=a.example; dmarc=pass header.from=example.com'],
    ['other_server', 'mx.evil.example; dmarc=pass header.from=corp.example.com'],
    ['other_server', 'dmarc=pass header.from=corp.example.com'],
    ['other_server', 'mx.acme.example.evil.example; dmarc=pass header.from=corp.example.com'],
    ['unreadable', 'mx.acme.example; (dmarc=pass header.from=corp.example.com'],
    ['unreadable', ''],
  ])('%s: %s', (reason, field) => {
    expect(verdict([field])).toEqual({ aligned: false, by: null, reason });
  });

  it('two owners below one public suffix are not aligned', () => {
    const field = 'mx.acme.example; dkim=pass header.d=evil.co.uk';
    expect(verdict([field], { from: 'a@good.co.uk' }).aligned).toBe(false);
    const pages = 'mx.acme.example; dkim=pass header.d=evil.github.io';
    expect(verdict([pages], { from: 'a@good.github.io' }).aligned).toBe(false);
    expect(verdict(['mx.acme.example; dkim=pass header.d=co.uk'], { from: 'a@good.co.uk' }).aligned).toBe(
      false,
    );
  });
});

describe('a forged field proves nothing', () => {
  const forged = 'mx.acme.example; dmarc=pass header.from=corp.example.com';

  it('below that of the server', () => {
    expect(verdict(['mx.acme.example; dmarc=fail header.from=corp.example.com', forged])).toMatchObject({
      reason: 'dmarc_failed',
    });
    expect(verdict(['mx.acme.example; spf=none', forged])).toMatchObject({ reason: 'not_aligned' });
  });

  it('below that of another server', () => {
    expect(verdict(['relay.example; spf=none', forged])).toMatchObject({ reason: 'other_server' });
  });

  it('without a setting, or with no field at all', () => {
    expect(verdict([forged], { trusted: null })).toMatchObject({ reason: 'no_trusted_server' });
    expect(verdict([])).toMatchObject({ reason: 'no_results' });
  });

  it('below as many as the server writes', () => {
    const two = { ...MX, fields: 2 };
    const spf = 'mx.acme.example; spf=none';
    expect(verdict([spf, forged], { trusted: two }).aligned).toBe(true);
    expect(verdict([spf, spf, forged], { trusted: two }).aligned).toBe(false);
    expect(verdict([spf, 'other.example; x=y', forged], { trusted: { ...MX, fields: 3 } }).aligned).toBe(
      false,
    );
  });
});

describe('the From field must name one address', () => {
  const field = 'mx.acme.example; dmarc=pass header.from=corp.example.com';

  it.each([
    ['two fields', ['boss@corp.example.com', 'eve@evil.example']],
    ['two addresses', ['boss@corp.example.com, eve@evil.example']],
    ['two in brackets', ['<boss@corp.example.com> <eve@evil.example>']],
    ['one before one in brackets', ['eve@evil.example, Boss <boss@corp.example.com>']],
  ])('not %s', (_, fromFields) => {
    expect(verdict([field], { fromFields })).toMatchObject({ reason: 'from_ambiguous' });
  });

  it.each([
    ['"Lee, Ann (eve@evil.example)" <boss@corp.example.com>'],
    ['boss@corp.example.com <boss@corp.example.com>'],
    ['boss@corp.example.com (Ann, Lee)'],
  ])('%s is one', (value) => {
    expect(verdict([field], { fromFields: [value] }).aligned).toBe(true);
  });
});

describe('large services are known', () => {
  it('Gmail by its authserv-id', () => {
    const trusted = knownMailServer('IMAP.gmail.com.');
    const field =
      'mx.google.com; dkim=pass header.i=@corp.example.com header.s=s1 header.b=AbCd; spf=pass (google.com: domain of x designates 192.0.2.1 as permitted sender) smtp.mailfrom=x@corp.example.com; dmarc=pass (p=REJECT sp=REJECT dis=NONE) header.from=corp.example.com';
    expect(verdict([field], { trusted })).toMatchObject({ aligned: true, by: 'dmarc' });
  });

  it('Microsoft, which writes none', () => {
    const trusted = knownMailServer('outlook.office365.com');
    const field =
      'spf=pass (sender IP is 192.0.2.1) smtp.mailfrom=corp.example.com; dkim=pass (signature was verified) header.d=corp.example.com;dmarc=pass action=none header.from=corp.example.com;compauth=pass reason=100';
    expect(verdict([field], { trusted })).toMatchObject({ aligned: true, by: 'dmarc' });
    expect(verdict([`mx.evil.example; ${field}`], { trusted })).toMatchObject({ reason: 'other_server' });
  });

  it('others are not', () => {
    expect(knownMailServer('imap.gmail.com.evil.example')).toBeNull();
  });
});

describe('parseAuthenticationResults', () => {
  it('reads versions, comments, quotes and repeated properties', () => {
    const field = 'a.example 1 (x (nested; y=z)) ; dkim/1=Pass header.d="b;c" header.d=second (d) policy.x=1';
    const parsed = parseAuthenticationResults(field);
    expect(parsed?.authservId).toBe('a.example');
    expect(parsed?.results).toEqual([
      {
        method: 'dkim',
        result: 'pass',
        properties: new Map([
          ['header.d', 'b;c'],
          ['policy.x', '1'],
        ]),
      },
    ]);
  });

  it('never throws, and takes a moment at most', () => {
    fc.assert(fc.property(fc.string(), (field) => void parseAuthenticationResults(field)));
    for (const piece of ['(', '"', '=', ';', 'a=b ', '\\']) {
      const started = performance.now();
      parseAuthenticationResults(piece.repeat(8000 / piece.length));
      verdict([piece.repeat(1_000_000)]);
      expect(performance.now() - started).toBeLessThan(2000);
    }
  });
});
