/** Mailboxes that log in with OAuth: the real daemon, a token endpoint that rotates, a mail server that checks the token. */
import { afterAll, describe, expect, it } from 'vitest';
import { assertNoCanary, newPlainCanary } from '@mailstream/shared/testing/canary';
import { answerError, openOAuthServer, type TestOAuthServer } from '@mailstream/shared/testing/oauth-server';
import { startScriptedImap, type ScriptedImap } from '@mailstream/shared/testing/scripted-imap';
import { isWatching, startDaemon, useWorld, type Daemon, type SeededProvider } from './daemon.ts';

const world = await useWorld();
const closing: (() => Promise<unknown>)[] = [];

afterAll(async () => {
  for (const close of closing.reverse()) await close();
});

interface Scene {
  readonly oauth: TestOAuthServer;
  readonly imap: ScriptedImap;
  readonly provider: SeededProvider;
  readonly daemon: Daemon;
}

async function scene(
  mechanism: string,
  tokensLive: (issued: readonly string[], token: string) => boolean,
): Promise<Scene> {
  const oauth = await openOAuthServer();
  closing.push(() => oauth.close());
  const imap = await startScriptedImap({
    checkToken: (_user, token) => tokensLive(oauth.issued, token),
    checkPassword: () => false,
  });
  closing.push(() => imap.close());
  const daemon = startDaemon({ ...world.env, IMAP_OAUTH_AUTH_MECHANISM: mechanism });
  closing.push(() => daemon.stop());
  const provider = await world.addProvider({
    host: imap.host,
    port: imap.port,
    username: 'u@example.com',
    password: '',
    oauth: {
      tokenUrl: oauth.tokenUrl,
      clientId: 'mailstream',
      clientSecret: oauth.settings.clientSecret,
      refreshToken: oauth.refreshToken,
    },
  });
  return { oauth, imap, provider, daemon };
}

const lastIssued = (issued: readonly string[], token: string): boolean => token === issued.at(-1);

async function errorOf(provider: SeededProvider): Promise<{ error_code: string; error_message: string }> {
  for (;;) {
    const [row] = await world.sql<{ error_code: string; error_message: string; status: string }>(
      'SELECT status, error_code, error_message FROM email_providers WHERE id = $1',
      [provider.id],
    );
    if (row?.status === 'error') return row;
  }
}

async function retire({ provider, daemon }: Scene): Promise<void> {
  await world.changeProvider(provider, 'email_providers', { is_active: false });
  expect(await daemon.stop()).toBe(0);
}

describe('a mailbox with OAuth', () => {
  it.each(['XOAUTH2', 'OAUTHBEARER'])(
    'logs in by %s, and keeps the refresh token that came with the access token',
    async (mechanism) => {
      const at = await scene(mechanism, lastIssued);
      const first = at.oauth.refreshToken;
      await at.daemon.waitForLog(isWatching('INBOX', at.provider.id));
      expect(at.imap.commands.find((command) => command.name === 'AUTHENTICATE')?.args).toContain(mechanism);
      expect(at.oauth.refreshToken).not.toBe(first);
      // The provider forgot the token (revoked sessions): one more refresh, with the rotated refresh token, and on it goes.
      at.imap.deliver('INBOX', `Subject: ${mechanism}\r\n\r\nx`);
      await world.entries(1);
      assertNoCanary(
        {
          log: JSON.stringify(at.daemon.lines),
          rows: JSON.stringify(await world.sql('SELECT * FROM provider_secrets')),
        },
        at.oauth.issued
          .map((value) => ({ name: 'access token', value }))
          .concat({ name: 'refresh token', value: at.oauth.refreshToken }),
      );
      await retire(at);
    },
  );

  it('whose permission was withdrawn says so, once, and logs in again after it is given anew', async () => {
    const at = await scene('XOAUTH2', lastIssued);
    await at.daemon.waitForLog(isWatching('INBOX', at.provider.id));
    at.oauth.before = ({ response }) => {
      response
        .writeHead(400, { 'content-type': 'application/json' })
        .end(JSON.stringify({ error: 'invalid_grant' }));
      return true;
    };
    await world.sql(
      `DELETE FROM provider_secrets WHERE email_provider_id = $1 AND name LIKE 'imap_access_token%'`,
      [at.provider.id],
    );
    const asked = at.oauth.requests.length;
    at.imap.dropConnections();
    expect(await errorOf(at.provider)).toMatchObject({
      error_code: 'OAUTH_REAUTHORIZE',
      error_message: expect.stringMatching(/permission/),
    });
    expect(at.oauth.requests.length - asked).toBe(1);
    await retire(at);
  });

  it('whose permission was withdrawn stops in all its folders, as soon as one of them finds out', async () => {
    const oauth = await openOAuthServer();
    closing.push(() => oauth.close());
    const imap = await startScriptedImap({
      folders: { INBOX: {}, Support: {} },
      checkToken: (_user, token) => lastIssued(oauth.issued, token),
    });
    closing.push(() => imap.close());
    const daemon = startDaemon(world.env);
    closing.push(() => daemon.stop());
    const provider = await world.addProvider({
      ...{ host: imap.host, port: imap.port, username: 'u@example.com', password: '' },
      folders: ['INBOX', 'Support'],
      oauth: {
        tokenUrl: oauth.tokenUrl,
        clientId: 'mailstream',
        clientSecret: oauth.settings.clientSecret,
        refreshToken: oauth.refreshToken,
      },
    });
    await daemon.waitForLog(isWatching('INBOX', provider.id));
    await daemon.waitForLog(isWatching('Support', provider.id));
    oauth.before = ({ response }) => {
      answerError(response, 400, 'invalid_grant');
      return true;
    };
    await world.sql(
      `DELETE FROM provider_secrets WHERE email_provider_id = $1 AND name LIKE 'imap_access_token%'`,
      [provider.id],
    );
    // One connection ends, the other lives on: its mail server does not ask again.
    const endedAtMs = performance.now();
    imap.openConnections[0]?.destroy();
    await imap.deserted();
    expect(await errorOf(provider)).toMatchObject({ error_code: 'OAUTH_REAUTHORIZE' });
    expect(performance.now() - endedAtMs).toBeLessThan(60_000);
    // And nobody asks again and again.
    expect(oauth.requests.filter((form) => form.get('grant_type') === 'refresh_token').length).toBeLessThan(
      4,
    );
    await world.changeProvider(provider, 'email_providers', { is_active: false });
    expect(await daemon.stop()).toBe(0);
  });
});

describe('secrets', () => {
  it('of a mailbox appear in no log line, no row and no metric', async () => {
    const canary = newPlainCanary('password');
    const imap = await startScriptedImap({ checkPassword: (_user, given) => given === canary.value });
    closing.push(() => imap.close());
    const daemon = startDaemon(world.env);
    const provider = await world.addProvider({
      host: imap.host,
      port: imap.port,
      username: 'u',
      password: canary.value,
    });
    await daemon.waitForLog(isWatching('INBOX', provider.id));
    imap.once('UID SEARCH', ({ answer }) => answer(`BAD what is ${canary.value}?`));
    imap.deliver('INBOX', 'Subject: x\r\n\r\nx');
    await daemon.waitForLog(
      (line) => line.message === 'listener fault' && line['providerId'] === provider.id,
    );
    await daemon.waitForLog((line) => line['providerId'] === provider.id && line['state'] === 'backingOff');
    assertNoCanary(
      {
        log: JSON.stringify(daemon.lines),
        errors: daemon.stderr(),
        rows: JSON.stringify(
          await world.sql(
            'SELECT to_jsonb(p), to_jsonb(c) FROM email_providers p JOIN imap_email_provider_config c ON c.email_provider_id = p.id',
          ),
        ),
        secrets: JSON.stringify(await world.sql('SELECT * FROM provider_secrets')),
      },
      [canary],
    );
    await world.changeProvider(provider, 'email_providers', { is_active: false });
    expect(await daemon.stop()).toBe(0);
  });
});
