/** Connecting mailboxes in a real browser, on the whole system, with a real login service and a Dovecot that asks it about tokens. */
import { randomBytes } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { afterAll, describe, expect, test } from 'vitest';
import { freePort } from '@mailstream/shared/local-stack/ports';
import { providerId } from '@mailstream/shared/domain/ids';
import { deliver } from '@mailstream/shared/testing/deliver';
import { useOwnDovecot } from '@mailstream/shared/testing/own-servers';
import { inspected, useBrowser } from './browser.ts';
import { APPLICATION_SCOPE, SCOPES, useLoginService } from './login-service.ts';
import { notInspected } from './screens.ts';
import { PASSWORD, useStack } from './stack.ts';

const chromium = await useBrowser();

describe.skipIf(chromium === null)('connecting a mailbox (needs Chromium)', async () => {
  if (chromium === null) return;
  const browser = chromium;
  const port = await freePort();
  const login = await useLoginService(`http://127.0.0.1:${port}/api/email/oauth/imap/callback`);
  const { server: dovecot } = await useOwnDovecot(login.introspectionUrl);
  const folder = await mkdtemp(join(tmpdir(), 'mailstream-ca-'));
  await writeFile(join(folder, 'ca.pem'), login.ca);
  afterAll(() => rm(folder, { recursive: true, force: true }));
  const stack = await useStack({
    env: { NODE_EXTRA_CA_CERTS: join(folder, 'ca.pem'), IMAP_AUDIT_INTERVAL_MS: '0' },
    server: { PORT: String(port), PROVIDER_TEST_LIMIT_PER_MINUTE: '1000' },
  });
  await stack.addUser('admin', 'admin@example.com');

  const newUser = (): string => `u${randomBytes(6).toString('hex')}`;

  async function send(user: string, subject: string): Promise<void> {
    await deliver({
      ...{ host: '127.0.0.1', port: dovecot.lmtpPort, from: 'kunde@example.org', to: `${user}@example.test` },
      raw: Buffer.from(`From: kunde@example.org\r\nSubject: ${subject}\r\n\r\nx`),
    });
  }

  async function visit(width = 1280) {
    const visitor = await browser.visit(stack.origin, { width, ignoreHTTPSErrors: true });
    await visitor.logIn('admin@example.com', PASSWORD);
    await visitor.page.getByRole('heading', { name: 'Mailboxes' }).waitFor();
    return visitor;
  }

  async function choose(page: Page, label: string, option: string): Promise<void> {
    await page
      .getByRole('combobox', { name: label })
      .or(page.getByLabel(label, { exact: true }))
      .first()
      .click();
    await page.getByRole('option', { name: option }).click();
  }

  /** Where tests have their mail server, in place of the one that was found. */
  async function useDovecot(page: Page): Promise<void> {
    await page.getByRole('button', { name: 'Change the server' }).click();
    await page.getByLabel('Host').fill('127.0.0.1');
    await choose(page, 'Encryption', 'None (only where an operator allows it)');
    await page.getByLabel('Port').fill(String(dovecot.imapPort));
  }

  const isConnected = (page: Page): Promise<void> =>
    page.getByText('Connected. New mail arrives by itself.').waitFor();
  const mustReconnect = (page: Page): Promise<void> =>
    page.getByText('This mailbox must be reconnected').waitFor();
  const idOf = (page: Page): string => /mailboxes\/([0-9a-f-]{36})/.exec(page.url())?.[1] ?? '';

  test('by password, in steps; a wrong password is told, and mended with the right one', async () => {
    const user = newUser();
    await send(user, 'old');
    const { page, inspect, glance, troubles } = await visit();
    await page.getByRole('link', { name: 'Add mailbox' }).first().click();
    await page.getByLabel('Mailbox address').fill('nonsense');
    await page.getByRole('button', { name: 'Find settings' }).click();
    await page.getByText('Enter a whole address').first().waitFor();
    expect(await inspect('connect-address')).toEqual([]);
    await page.getByLabel('Mailbox address').fill(`${user}@gmx.de`);
    await page.keyboard.press('Enter');
    await page.getByText('GMX: the settings are known.').waitFor();
    await useDovecot(page);
    await page.getByRole('textbox', { name: 'Password' }).fill('wrong');
    expect(await glance('connect-login')).toEqual([]);
    await page.getByRole('button', { name: 'Continue' }).click();
    await page.getByText('The mail server refused the user name or password.').waitFor();
    expect(await glance('connect-test-failed')).toEqual([]);
    await page.getByRole('button', { name: 'Previous step' }).click();
    await page.getByRole('textbox', { name: 'Password' }).fill(dovecot.password);
    await page.getByRole('button', { name: 'Continue' }).click();
    await page.getByText('The connection works.').waitFor();
    await page.getByText('New mail is noticed at once.').waitFor();
    expect(await glance('connect-test')).toEqual([]);
    await page.getByRole('button', { name: 'Continue' }).click();
    await page.getByRole('checkbox', { name: 'INBOX' }).waitFor();
    await page.getByText('1 message', { exact: true }).waitFor();
    await page.getByLabel('Name').fill('Invoices');
    expect(await glance('connect-folders')).toEqual([]);
    await page.getByRole('button', { name: 'Save' }).click();
    await page.getByRole('heading', { name: 'Invoices' }).waitFor();
    await isConnected(page);

    const id = providerId(idOf(page));
    await stack.world.setPassword({ tenant: stack.tenant, id }, 'changed-at-the-server');
    await mustReconnect(page);
    expect(await inspect('reconnect-password')).toEqual([]);
    await page.getByRole('link', { name: 'Enter a new password' }).click();
    await page.getByRole('heading', { name: 'Edit “Invoices”' }).waitFor();
    expect(await inspect('mailbox-edit')).toEqual([]);
    await page.getByRole('textbox', { name: 'Password' }).fill(dovecot.password);
    await page.getByRole('button', { name: 'Save' }).click();
    await isConnected(page);
    expect(troubles).toEqual([]);

    // Mail from before the start, counted first.
    await page.getByRole('button', { name: 'Actions: Invoices' }).click();
    await page.getByRole('menuitem', { name: 'Fetch older mail' }).click();
    await page.getByRole('button', { name: 'Count first' }).click();
    await page.getByText('1 message would come.').waitFor();
    expect(await inspect('resync')).toEqual([]);
    await page.getByRole('button', { name: 'Fetch 1 message' }).click();
    await page.getByText('1 message was fetched.').waitFor();
  });

  async function logInAtService(page: Page, account: string): Promise<void> {
    await page.waitForURL(`${login.issuer}/**`);
    const name = page.locator('input[name=login]');
    const consent = page.getByRole('button', { name: 'Continue' });
    await name.or(consent).first().waitFor();
    if (await name.isVisible()) {
      await name.fill(account);
      await page.locator('input[name=password]').fill('any');
      await page.getByRole('button', { name: 'Sign-in' }).click();
    }
    await page.locator('input[name=prompt][value=consent]').waitFor({ state: 'attached' });
    await page.getByRole('button', { name: 'Continue' }).click();
    await page.waitForURL(`${stack.origin}/**`);
  }

  async function fillOauth(page: Page): Promise<void> {
    await page.getByLabel('Client id').fill(login.clientId);
    await page.getByRole('textbox', { name: 'Client secret' }).fill(login.clientSecret);
    await page.getByRole('button', { name: 'Addresses and scopes' }).click();
    await page.getByLabel('Authorization address').fill(login.authorizeUrl);
    await page.getByLabel('Token address').fill(login.tokenUrl);
    await page.getByLabel('Scopes', { exact: true }).fill(SCOPES);
    await page.getByLabel('Issuer').fill(login.issuer);
  }

  test('by OAuth on a narrow screen, before anything is saved; and again after the permission has ended', async () => {
    const account = `${newUser()}@gmail.com`;
    const { page, glance } = await visit(390);
    await page.goto('/mailboxes/new');
    await page.getByLabel('Mailbox address').fill(account);
    await page.getByRole('button', { name: 'Find settings' }).click();
    await page.getByText('Gmail: the settings are known.').waitFor();
    await useDovecot(page);
    await fillOauth(page);
    expect(await glance('connect-oauth-390')).toEqual([]);
    await page.getByRole('button', { name: 'Log in with Gmail' }).click();
    await logInAtService(page, account);
    await page.getByText(`Logged in as ${account}.`).waitFor();
    await page.getByText('The connection works.').waitFor();
    expect(await glance('connect-oauth-test-390')).toEqual([]);
    await page.getByRole('button', { name: 'Continue' }).click();
    await page.getByRole('button', { name: 'Save' }).click();
    await isConnected(page);
    expect(await glance('mailbox-oauth-390')).toEqual([]);

    const id = providerId(idOf(page));
    await login.revokeAll();
    await stack.world.sql('DELETE FROM provider_secrets WHERE name = $1', [`imap_access_token_${id}`]);
    await page.getByRole('button', { name: /^Actions/ }).click();
    await page.getByRole('menuitem', { name: 'Pause' }).click();
    await page
      .getByText(/^Paused/)
      .first()
      .waitFor();
    await page.getByRole('button', { name: /^Actions/ }).click();
    await page.getByRole('menuitem', { name: 'Resume' }).click();
    await mustReconnect(page);
    expect(await glance('reconnect-oauth-390')).toEqual([]);
    await page.getByRole('button', { name: 'Reconnect', exact: true }).click();
    await logInAtService(page, account);
    await page.getByText(`Reconnected as ${account}.`).waitFor();
    await isConnected(page);
  });

  test('by the application itself, without anybody logging in', async () => {
    const account = `${newUser()}@acme.onmicrosoft.com`;
    login.letApplicationRead(account);
    const { page, glance, troubles } = await visit();
    await page.goto('/mailboxes/new');
    await page.getByLabel('Mailbox address').fill(account);
    await page.getByRole('button', { name: 'Find settings' }).click();
    await page.getByText('Microsoft 365: the settings are known.').waitFor();
    await page.getByText('The application itself', { exact: true }).click();
    await useDovecot(page);
    await page.getByLabel('Client id').fill(login.application.clientId);
    await page.getByRole('textbox', { name: 'Client secret' }).fill(login.application.clientSecret);
    await page.getByRole('button', { name: 'Addresses and scopes' }).click();
    // The login service of the test in place of Microsoft's.
    await page.getByLabel('Authorization address').fill('');
    await page.getByLabel('Token address').fill(login.tokenUrl);
    expect(await page.getByLabel('Scopes', { exact: true }).inputValue()).toBe(APPLICATION_SCOPE);
    expect(await page.getByRole('button', { name: /^Log in/ }).count()).toBe(0);
    expect(await glance('connect-application')).toEqual([]);
    await page.getByRole('button', { name: 'Continue' }).click();
    await page.getByText('The connection works.').waitFor();
    await page.getByRole('button', { name: 'Continue' }).click();
    await page.getByRole('button', { name: 'Save' }).click();
    await isConnected(page);
    await send(account.split('@')[0] ?? '', 'For the application');
    await page.getByText('For the application').waitFor();

    // The mail service takes the permission away.
    login.letApplicationRead('nobody@example.test');
    await login.revokeAll();
    const id = idOf(page);
    await stack.world.sql('DELETE FROM provider_secrets WHERE name = $1', [`imap_access_token_${id}`]);
    await page.getByRole('button', { name: /^Actions/ }).click();
    await page.getByRole('menuitem', { name: 'Reconnect now' }).click();
    await stack.world.changeProvider(
      { tenant: stack.tenant, id: providerId(id) },
      'imap_email_provider_config',
      {
        config_version: 1_000,
      },
    );
    await mustReconnect(page);
    await page.getByText('Let the application into this mailbox at the mail service').waitFor();
    expect(await page.getByRole('button', { name: 'Reconnect', exact: true }).count()).toBe(0);
    login.letApplicationRead(account);
    await page.getByRole('link', { name: 'Check the application' }).click();
    await page.getByRole('textbox', { name: 'Client secret' }).fill(login.application.clientSecret);
    await page.getByRole('button', { name: 'Save' }).click();
    await isConnected(page);
    await page.goto('/mailboxes');
    await page
      .getByText(/^Token until/)
      .first()
      .waitFor();
    expect(troubles).toEqual([]);
  });

  test('by its owner, through a link, without an account here', async () => {
    const account = `${newUser()}@gmail.com`;
    const { page, inspect } = await visit();
    await page.goto('/mailboxes/new');
    await page.getByLabel('Mailbox address').fill(account);
    await page.getByRole('button', { name: 'Find settings' }).click();
    await useDovecot(page);
    await fillOauth(page);
    await page.getByRole('button', { name: 'The owner of the mailbox logs in later' }).click();
    await page.getByRole('button', { name: 'Save' }).click();
    await mustReconnect(page);
    await page.getByRole('button', { name: 'Send a link to the owner' }).click();
    await page.getByRole('button', { name: 'Make a link' }).click();
    const url = (await page.locator('pre', { hasText: '/connect#' }).textContent()) ?? '';
    expect(await inspect('owner-link-made')).toEqual([]);

    const owner = await browser.visit(stack.origin, { width: 390, ignoreHTTPSErrors: true });
    await owner.page.goto(url);
    await owner.page.getByText(`Acme Helpdesk asks to read the mailbox ${account}`).waitFor();
    expect(await owner.inspect('owner-link-390')).toEqual([]);
    await owner.page.getByRole('button', { name: 'Go to the login' }).click();
    await logInAtService(owner.page, account);
    await owner.page.getByText('Thank you. The mailbox is connected.').waitFor();
    expect(await owner.inspect('owner-done-390')).toEqual([]);
    await owner.page.goto('about:blank');
    await owner.page.goto(url);
    await owner.page.getByText('This link was used already').waitFor();
    await page.keyboard.press('Escape');
    await isConnected(page);
    // Those of the tests above included.
    expect(notInspected(inspected, 'connecting')).toEqual([]);
  });
});
