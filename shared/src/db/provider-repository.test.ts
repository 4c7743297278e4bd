import { describe, expect, it } from 'vitest';
import { FaultError } from '../errors/fault-error.ts';
import { toConfigColumns, toImapProvider } from './provider-repository.ts';

const row = {
  tenant: '7d0c2f6e-3f0e-4f0a-9d57-0a4b0c1f2a33',
  id: '0b8f7a3c-5a51-4d0e-8e0a-1c2d3e4f5a6b',
  provider_name: 'Support',
  mailbox: 'support@example.org',
  host: 'imap.example.org',
  port: 993,
  secure: true,
  allow_starttls: false,
  verify_certificate: true,
  auth_type: 'password',
  username: 'support',
  folder_filters: ['INBOX', 'Entwürfe'],
  start_from: { kind: 'last', count: 5 },
  oauth_authorize_url: null,
  oauth_token_url: null,
  oauth_client_id: null,
  oauth_scopes: null,
  config_version: 4,
};

describe('provider rows', () => {
  it('become the domain’s provider', () => {
    expect(toImapProvider(row)).toMatchObject({
      endpoint: { host: 'imap.example.org', port: 993, security: 'tls', verifyCertificate: true },
      auth: { kind: 'password', username: 'support' },
      folders: ['INBOX', 'Entwürfe'],
      startFrom: { kind: 'last', count: 5 },
      configVersion: 4,
    });
  });

  it.each(['tls', 'starttls', 'plain'] as const)('keep %s through both directions', (security) => {
    const provider = toImapProvider(row);
    const columns = toConfigColumns({ ...provider, endpoint: { ...provider.endpoint, security } });
    const again = toImapProvider({
      ...row,
      ...columns,
      folder_filters: JSON.parse(String(columns['folder_filters'])),
      start_from: JSON.parse(String(columns['start_from'])),
    });
    expect(again.endpoint.security).toBe(security);
    expect(again.folders).toEqual(provider.folders);
  });

  it('keep OAuth settings through both directions', () => {
    const oauth = {
      ...row,
      auth_type: 'oauth2',
      oauth_client_id: 'app',
      oauth_token_url: 'https://login.example.org/token',
      oauth_authorize_url: 'https://login.example.org/authorize',
      oauth_scopes: 'imap offline',
    };
    const columns = toConfigColumns(toImapProvider(oauth));
    expect(columns).toMatchObject({
      auth_type: 'oauth2',
      oauth_client_id: 'app',
      oauth_scopes: 'imap offline',
    });
  });

  it('are refused by column, without their values, when they hold what no form stores', () => {
    const bad = { ...row, folder_filters: [{ canary: 1 }], start_from: { kind: 'canary' } };
    expect(() => toImapProvider(bad)).toThrow(FaultError);
    expect(() => toImapProvider(bad)).toThrow(/folder_filters.*start_from/);
    expect(() => toImapProvider(bad)).not.toThrow(/canary/);
  });
});
