/** Mail services whose settings are known, so that nobody has to look them up. Their own help pages are the source. */
export type PresetId =
  'gmail' | 'microsoft365' | 'outlook' | 'yahoo' | 'icloud' | 'fastmail' | 'zoho' | 'gmx';

export type Login = 'password' | 'oauth2';

/** What a person has to know beforehand; the UI has a sentence for each. */
export type SettingsHint = 'app_password' | 'oauth_only' | 'enable_imap' | 'check_server';

export interface OAuthPreset {
  readonly authorizeUrl: string;
  readonly tokenUrl: string;
  /** Separated by blanks. `openid email` lets us see who logged in. */
  readonly scopes: string;
  /** May hold `{tenantid}`: then it is the directory that the token names. */
  readonly issuer: string;
  /** Scopes of the application's own login, without a user; null where there is none. */
  readonly applicationScopes: string | null;
}

export interface MailPreset {
  readonly id: PresetId;
  readonly name: string;
  /** Of addresses. */
  readonly domains: readonly string[];
  /** Endings of mail exchangers that prove a domain is hosted here. */
  readonly exchangers: readonly string[];
  readonly host: string;
  /** All of them take TLS from the first byte on 993. */
  readonly port: 993;
  readonly username: 'address' | 'localPart';
  /** The best one first. */
  readonly logins: readonly Login[];
  readonly hint: SettingsHint | null;
  readonly oauth: OAuthPreset | null;
}

const GOOGLE: OAuthPreset = {
  authorizeUrl: 'https://accounts.google.com/o/oauth2/v2/auth',
  tokenUrl: 'https://oauth2.googleapis.com/token',
  scopes: 'https://mail.google.com/ openid email',
  issuer: 'https://accounts.google.com',
  applicationScopes: null,
};

/** @param directory who may log in: `organizations`, `consumers` */
function microsoft(directory: string, issuer: string, applicationScopes: string | null): OAuthPreset {
  const base = `https://login.microsoftonline.com/${directory}/oauth2/v2.0`;
  return {
    authorizeUrl: `${base}/authorize`,
    tokenUrl: `${base}/token`,
    scopes: 'https://outlook.office.com/IMAP.AccessAsUser.All offline_access openid email',
    issuer,
    applicationScopes,
  };
}

/** The directory of all personal Microsoft accounts. */
const CONSUMERS_ISSUER = 'https://login.microsoftonline.com/9188040d-6c67-4c5b-b112-36a304b66dad/v2.0';

const SERVICE = { port: 993, username: 'address', oauth: null } as const;

export const MAIL_PRESETS: readonly MailPreset[] = [
  {
    ...SERVICE,
    id: 'gmail',
    name: 'Gmail',
    domains: ['gmail.com', 'googlemail.com'],
    exchangers: ['.google.com', '.googlemail.com'],
    host: 'imap.gmail.com',
    logins: ['oauth2', 'password'],
    hint: 'app_password',
    oauth: GOOGLE,
  },
  {
    ...SERVICE,
    id: 'microsoft365',
    name: 'Microsoft 365',
    domains: ['onmicrosoft.com'],
    exchangers: ['.mail.protection.outlook.com', '.mx.microsoft'],
    host: 'outlook.office365.com',
    logins: ['oauth2'],
    hint: 'oauth_only',
    oauth: microsoft(
      'organizations',
      'https://login.microsoftonline.com/{tenantid}/v2.0',
      'https://outlook.office365.com/.default',
    ),
  },
  {
    ...SERVICE,
    id: 'outlook',
    name: 'Outlook.com',
    domains: ['outlook.com', 'outlook.de', 'outlook.es', 'outlook.fr', 'hotmail.com', 'live.com', 'msn.com'],
    exchangers: ['.olc.protection.outlook.com'],
    host: 'outlook.office365.com',
    logins: ['oauth2'],
    hint: 'oauth_only',
    oauth: microsoft('consumers', CONSUMERS_ISSUER, null),
  },
  {
    ...SERVICE,
    id: 'yahoo',
    name: 'Yahoo',
    domains: ['yahoo.com', 'yahoo.co.uk', 'yahoo.de', 'yahoo.es', 'yahoo.fr', 'ymail.com', 'rocketmail.com'],
    exchangers: ['.yahoodns.net'],
    host: 'imap.mail.yahoo.com',
    logins: ['password'],
    hint: 'app_password',
  },
  {
    ...SERVICE,
    id: 'icloud',
    name: 'iCloud Mail',
    domains: ['icloud.com', 'me.com', 'mac.com'],
    exchangers: ['.mail.icloud.com'],
    host: 'imap.mail.me.com',
    username: 'localPart',
    logins: ['password'],
    hint: 'app_password',
  },
  {
    ...SERVICE,
    id: 'fastmail',
    name: 'Fastmail',
    domains: ['fastmail.com', 'fastmail.fm'],
    exchangers: ['.messagingengine.com'],
    host: 'imap.fastmail.com',
    logins: ['password'],
    hint: 'app_password',
  },
  zoho('com', ['zoho.com', 'zohomail.com']),
  zoho('eu', ['zoho.eu', 'zohomail.eu']),
  {
    ...SERVICE,
    id: 'gmx',
    name: 'GMX',
    domains: ['gmx.de', 'gmx.net', 'gmx.at', 'gmx.ch'],
    exchangers: ['.gmx.net'],
    host: 'imap.gmx.net',
    logins: ['password'],
    hint: 'enable_imap',
  },
  {
    ...SERVICE,
    id: 'gmx',
    name: 'GMX',
    domains: ['gmx.com', 'gmx.us', 'gmx.co.uk', 'gmx.es', 'gmx.fr'],
    exchangers: ['.gmx.com'],
    host: 'imap.gmx.com',
    logins: ['password'],
    hint: 'enable_imap',
  },
];

/** A domain of its own at Zoho has another server than an address at Zoho (`imappro`). */
function zoho(region: string, domains: readonly string[]): MailPreset {
  return {
    ...SERVICE,
    id: 'zoho',
    name: 'Zoho Mail',
    domains,
    exchangers: [`.zoho.${region}`],
    host: `imap.zoho.${region}`,
    logins: ['password'],
    hint: 'enable_imap',
  };
}

/** @param domain ASCII, lower case */
export function presetByDomain(domain: string): MailPreset | null {
  return (
    MAIL_PRESETS.find(({ domains }) =>
      domains.some((known) => domain === known || domain.endsWith(`.${known}`)),
    ) ?? null
  );
}

/** The service that takes mail for a domain. @param exchangers host names of its MX records, the preferred one first */
export function presetByExchanger(exchangers: readonly string[]): MailPreset | null {
  for (const host of exchangers) {
    const name = host.toLowerCase().replace(/\.$/, '');
    // The longest ending decides: a personal Outlook.com exchanger ends as one of Microsoft 365 does.
    const [best] = MAIL_PRESETS.flatMap((preset) =>
      preset.exchangers.filter((ending) => name.endsWith(ending)).map((ending) => ({ preset, ending })),
    ).sort((a, b) => b.ending.length - a.ending.length);
    if (best === undefined) continue;
    const { preset } = best;
    return preset.id === 'zoho' ? { ...preset, host: preset.host.replace('imap.', 'imappro.') } : preset;
  }
  return null;
}

/** For a server that was found by other means. */
export function presetByHost(host: string): MailPreset | null {
  return MAIL_PRESETS.find((preset) => preset.host === host.toLowerCase()) ?? null;
}
