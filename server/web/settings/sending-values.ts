/** The flat values of the form for outgoing mail, and the way to and from the API's body. */
import type { Smtp } from '../../src/contracts/outbound.ts';
import type { Provider } from '../../src/contracts/providers.ts';

export interface SendingValues {
  protocol: 'smtp' | 'lmtp';
  host: string;
  port: number | string;
  security: 'tls' | 'starttls' | 'plain';
  verifyCertificate: boolean;
  authType: 'none' | 'password' | 'oauth2';
  username: string;
  password: string;
  fromEmail: string;
  fromName: string;
  plusAddressing: boolean;
  maxPerMinute: number | string;
  acknowledge: boolean;
  acknowledgeText: string;
  acknowledgePerHour: number | string;
}

/** Where services that we know take mail (their help pages), by where they hand it out. */
const KNOWN: Readonly<Record<string, { readonly host: string; readonly security: 'tls' | 'starttls' }>> = {
  'outlook.office365.com': { host: 'smtp.office365.com', security: 'starttls' },
  'imap.mail.me.com': { host: 'smtp.mail.me.com', security: 'starttls' },
  'imap.gmx.net': { host: 'mail.gmx.net', security: 'tls' },
  'imap.gmx.com': { host: 'mail.gmx.com', security: 'tls' },
};
export const USUAL_PORT = { tls: 465, starttls: 587, plain: 25 } as const;

/** For a mailbox that sends nothing yet: a guess from where it receives, to be tested. */
export function suggested({ imap, mailbox }: Provider): SendingValues {
  const host = imap.host.toLowerCase();
  const known = KNOWN[host] ?? { host: host.replace(/^imap(?=[\w-]*\.)/, 'smtp'), security: 'tls' as const };
  return {
    ...{ protocol: 'smtp', host: known.host, port: USUAL_PORT[known.security], security: known.security },
    ...{ verifyCertificate: true, authType: imap.authType, username: imap.username, password: '' },
    ...{ fromEmail: mailbox, fromName: '', plusAddressing: false, maxPerMinute: 60 },
    ...{ acknowledge: false, acknowledgeText: '', acknowledgePerHour: 1 },
  };
}

export function fromSmtp(smtp: Smtp): SendingValues {
  const { secure, allowStarttls, hasPassword: _kept, username, fromName, acknowledgeText, ...rest } = smtp;
  return {
    ...rest,
    security: secure ? 'tls' : allowStarttls ? 'starttls' : 'plain',
    username: username ?? '',
    password: '',
    fromName: fromName ?? '',
    acknowledgeText: acknowledgeText ?? '',
  };
}

/** Fields that were left empty are left out, or null, so that the server says what is missing. */
export function toBody(values: SendingValues): Record<string, unknown> {
  const { security, password, ...rest } = values;
  const number = (value: number | string): number | undefined =>
    typeof value === 'number' ? value : undefined;
  const text = (value: string): string | null => (value.trim() === '' ? null : value);
  return {
    ...rest,
    port: number(values.port),
    secure: security === 'tls',
    allowStarttls: security === 'starttls',
    username: values.authType === 'none' ? null : text(values.username),
    ...(values.authType === 'password' && password !== '' ? { password } : {}),
    fromEmail: text(values.fromEmail) ?? undefined,
    fromName: text(values.fromName),
    maxPerMinute: number(values.maxPerMinute),
    acknowledgeText: text(values.acknowledgeText),
    acknowledgePerHour: number(values.acknowledgePerHour),
  };
}

/** Whether the stored password is good for what is entered now; the server sees it the same way. */
export function keepsPassword(values: SendingValues, stored: Smtp | null): boolean {
  if (stored?.hasPassword !== true || values.authType !== 'password') return false;
  const before = fromSmtp(stored);
  const same = ['protocol', 'host', 'port', 'security', 'verifyCertificate', 'authType', 'username'] as const;
  return same.every((field) => values[field] === before[field]);
}
