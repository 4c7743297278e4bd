/** The form's flat values, and the way to and from the API's body. */
import type { UseFormReturnType } from '@mantine/form';
import type { Autoconfig } from '../src/contracts/autoconfig.ts';
import type { FieldError } from '../src/contracts/errors.ts';
import type { Provider } from '../src/contracts/providers.ts';

export interface MailboxValues {
  providerName: string;
  mailbox: string;
  isActive: boolean;
  host: string;
  port: number | string;
  security: 'tls' | 'starttls' | 'plain';
  authType: 'password' | 'oauth2';
  username: string;
  password: string;
  oauthAuthorizeUrl: string;
  oauthTokenUrl: string;
  oauthClientId: string;
  oauthClientSecret: string;
  oauthRefreshToken: string;
  oauthScopes: string;
  oauthIssuer: string;
  oauthSharedMailbox: boolean;
  /** A login that was made with these settings; empty without one. */
  oauthAuthorizationId: string;
  folders: string[];
  startKind: 'now' | 'last' | 'since';
  startCount: number | string;
  startDate: string;
}

export type Form = UseFormReturnType<MailboxValues>;

export const EMPTY: MailboxValues = {
  providerName: '',
  mailbox: '',
  isActive: true,
  host: '',
  port: 993,
  security: 'tls',
  authType: 'password',
  username: '',
  password: '',
  oauthAuthorizeUrl: '',
  oauthTokenUrl: '',
  oauthClientId: '',
  oauthClientSecret: '',
  oauthRefreshToken: '',
  oauthScopes: '',
  oauthIssuer: '',
  oauthSharedMailbox: false,
  oauthAuthorizationId: '',
  folders: [],
  startKind: 'now',
  startCount: 100,
  startDate: '',
};

export function fromProvider({ imap, ...provider }: Provider): MailboxValues {
  const { startFrom } = imap;
  return {
    ...EMPTY,
    providerName: provider.providerName,
    mailbox: provider.mailbox,
    isActive: provider.isActive,
    host: imap.host,
    port: imap.port,
    security: imap.secure ? 'tls' : imap.allowStarttls ? 'starttls' : 'plain',
    authType: imap.authType,
    username: imap.username,
    oauthAuthorizeUrl: imap.oauthAuthorizeUrl ?? '',
    oauthTokenUrl: imap.oauthTokenUrl ?? '',
    oauthClientId: imap.oauthClientId ?? '',
    oauthScopes: imap.oauthScopes ?? '',
    oauthIssuer: imap.oauthIssuer ?? '',
    oauthSharedMailbox: imap.oauthSharedMailbox,
    folders: [...imap.folderFilters],
    startKind: startFrom.kind,
    ...(startFrom.kind === 'last' ? { startCount: startFrom.count } : {}),
    ...(startFrom.kind === 'since' ? { startDate: startFrom.date } : {}),
  };
}

/** `imap` of a body; fields that were left empty are left out, so that the server says what is missing. */
export function toImap(values: MailboxValues): Record<string, unknown> {
  const isOauth = values.authType === 'oauth2';
  const filled = (text: string): string | undefined => (text === '' ? undefined : text);
  return {
    host: values.host,
    port: typeof values.port === 'number' ? values.port : undefined,
    secure: values.security === 'tls',
    allowStarttls: values.security === 'starttls',
    authType: values.authType,
    username: values.username,
    folderFilters: values.folders,
    startFrom: startFrom(values),
    ...(isOauth
      ? {
          oauthAuthorizeUrl: filled(values.oauthAuthorizeUrl) ?? null,
          oauthTokenUrl: filled(values.oauthTokenUrl) ?? null,
          oauthClientId: filled(values.oauthClientId) ?? null,
          oauthScopes: filled(values.oauthScopes) ?? null,
          oauthIssuer: filled(values.oauthIssuer) ?? null,
          oauthSharedMailbox: values.oauthSharedMailbox,
          oauthAuthorizationId: filled(values.oauthAuthorizationId),
          oauthClientSecret: filled(values.oauthClientSecret),
          oauthRefreshToken: filled(values.oauthRefreshToken),
        }
      : { password: filled(values.password) }),
  };
}

export function toBody(values: MailboxValues): Record<string, unknown> {
  const { providerName, mailbox, isActive } = values;
  return { providerName, mailbox, isActive, imap: toImap(values) };
}

function startFrom(values: MailboxValues): Record<string, unknown> {
  switch (values.startKind) {
    case 'now':
      return { kind: 'now' };
    case 'last':
      return { kind: 'last', count: typeof values.startCount === 'number' ? values.startCount : undefined };
    case 'since':
      return { kind: 'since', date: values.startDate };
  }
}

const RENAMED: Readonly<Record<string, keyof MailboxValues>> = {
  secure: 'security',
  allowStarttls: 'security',
  folderFilters: 'folders',
  startFrom: 'startKind',
  'startFrom.count': 'startCount',
  'startFrom.date': 'startDate',
};

/** The server's field errors under the names of the form's inputs. */
export function toFormErrors(fields: readonly FieldError[]): Record<string, string> {
  return Object.fromEntries(
    fields.map(({ field, message }) => {
      const name = field.replace(/^imap\./, '').replace(/^folderFilters\..*/, 'folderFilters');
      return [RENAMED[name] ?? name, message];
    }),
  );
}

/** Whether the stored secret would go to somebody else than before, so that it has to be entered again. */
export function movesAccount(values: MailboxValues, stored: Provider): boolean {
  const before = fromProvider(stored);
  const rank = { tls: 2, starttls: 1, plain: 0 };
  return (
    values.host.toLowerCase() !== before.host.toLowerCase() ||
    values.port !== before.port ||
    values.username !== before.username ||
    rank[values.security] < rank[before.security]
  );
}

/** The settings that were found for an address. */
export function withFound(values: MailboxValues, { settings, oauth }: Autoconfig): MailboxValues {
  if (settings === null) return { ...values, username: values.mailbox };
  const { host, port, secure, username, logins } = settings;
  return {
    ...values,
    ...{ host, port, username, authType: logins[0] ?? 'password' },
    security: secure ? 'tls' : 'starttls',
    oauthAuthorizeUrl: oauth?.authorizeUrl ?? '',
    oauthTokenUrl: oauth?.tokenUrl ?? '',
    oauthScopes: oauth?.scopes ?? '',
    oauthIssuer: oauth?.issuer ?? '',
  };
}

/** Whether a login would be for other settings than the stored ones, so that both have to be saved together. */
export function movesLogin(values: MailboxValues, stored: Provider): boolean {
  const before = fromProvider(stored);
  const fields = [
    ...(['host', 'port', 'security', 'username', 'authType', 'oauthAuthorizeUrl', 'oauthTokenUrl'] as const),
    ...(['oauthClientId', 'oauthScopes', 'oauthIssuer', 'oauthSharedMailbox'] as const),
  ];
  return values.oauthClientSecret !== '' || fields.some((field) => values[field] !== before[field]);
}
