/**
 * From an address to the settings of its mail server. A service that we know comes first, by the domain or by where the domain's mail
 * goes (MX); then what the domain itself says: its autoconfig file, then its DNS (RFC 6186).
 *
 * MX goes before the autoconfig file: web hosts publish such files for every domain they serve, also where the mail is elsewhere.
 */
import type { Autoconfig, SettingsHint } from '../contracts/autoconfig.ts';
import { presetByDomain, presetByExchanger, presetByHost, type MailPreset } from '../core/mail-presets.ts';
import type { AnnouncedServer, MailDirectory } from '../ports/mail-directory.ts';

export type FindSettings = (email: string, signal: AbortSignal) => Promise<Autoconfig>;

const HINTS: Record<SettingsHint, string> = {
  app_password:
    'With two-step verification this service wants an app password: make one in the account’s security settings and enter it in place of the usual password.',
  oauth_only: 'This service takes no passwords over IMAP: log in with OAuth.',
  enable_imap: 'Access by IMAP is off until it is switched on in the account’s own settings.',
  check_server: 'The domain itself named this server. Check that you know it before you enter a password.',
};

export function createFindSettings(directory: MailDirectory): FindSettings {
  return async (email, signal) => {
    const domain = asciiDomain(email);
    const known = presetByDomain(domain);
    if (known !== null) return fromPreset(email, known, 'preset');
    const [exchangers, files, services] = await Promise.all([
      directory.mailExchangers(domain),
      directory.autoconfig(domain, email, signal),
      directory.imapServices(domain),
    ]);
    const host = presetByExchanger(exchangers);
    if (host !== null) return fromPreset(email, host, 'mx');
    const [file] = files;
    if (file !== undefined) return fromAnnounced(email, file, 'autoconfig');
    const [service] = services;
    if (service !== undefined) return fromAnnounced(email, service, 'srv');
    return { email, source: 'none', service: null, settings: null, oauth: null, ...hinted(null) };
  };
}

function asciiDomain(email: string): string {
  const domain = email.slice(email.lastIndexOf('@') + 1);
  // As a URL's host, which is how IDNA is done here; the contract has refused everything that is no name.
  return new URL(`https://${domain}`).hostname;
}

function fromPreset(email: string, preset: MailPreset, source: 'preset' | 'mx'): Autoconfig {
  return {
    email,
    source,
    service: { id: preset.id, name: preset.name },
    settings: {
      host: preset.host,
      port: preset.port,
      secure: true,
      allowStarttls: false,
      username: preset.username === 'address' ? email : localPart(email),
      logins: [...preset.logins],
    },
    oauth: preset.oauth,
    ...hinted(preset.hint),
  };
}

function fromAnnounced(email: string, server: AnnouncedServer, source: 'autoconfig' | 'srv'): Autoconfig {
  const preset = presetByHost(server.host);
  if (preset !== null) return { ...fromPreset(email, preset, 'mx'), source };
  const { host, port, security, logins, username } = server;
  return {
    email,
    source,
    service: null,
    settings: {
      host,
      port,
      secure: security === 'tls',
      allowStarttls: security === 'starttls',
      username: filledIn(username, email),
      logins: [...logins],
    },
    oauth: null,
    ...hinted('check_server'),
  };
}

/** Placeholders of config-v1.1.xml. */
function filledIn(username: string, email: string): string {
  return username
    .replaceAll('%EMAILADDRESS%', () => email)
    .replaceAll('%EMAILLOCALPART%', () => localPart(email))
    .replaceAll('%EMAILDOMAIN%', () => email.slice(email.lastIndexOf('@') + 1));
}

function localPart(email: string): string {
  return email.slice(0, email.lastIndexOf('@'));
}

function hinted(hint: SettingsHint | null): Pick<Autoconfig, 'hint' | 'hintText'> {
  return { hint, hintText: hint === null ? null : HINTS[hint] };
}
