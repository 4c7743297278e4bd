/** Ways of a person through the pages of settings, for settings-pages.real.test.ts: each goes once, and looks at everything on the way. */
import { expect } from 'vitest';
import type { TestBrowser, Visitor } from './browser.ts';
import { PASSWORD, type TestStack } from './stack.ts';

async function choose({ page }: Visitor, label: string, option: string): Promise<void> {
  await page.getByRole('combobox', { name: label, exact: true }).click();
  await page.getByRole('option', { name: option }).click();
}

/** Outgoing mail is tested, saved, used by an answer, and removed. Needs a user viewer@example.com. */
export async function lookAfterSending(
  visitor: Visitor,
  browser: TestBrowser,
  stack: TestStack,
): Promise<void> {
  const { page, inspect } = visitor;
  await page.goto(`/mailboxes/${stack.providerId}`);
  await page.getByRole('main').getByRole('link', { name: 'Outgoing mail' }).click();
  await page.getByText('This mailbox sends nothing yet.').waitFor();
  // Nobody listens where the guess leads.
  await page.getByLabel('Host').fill('127.0.0.1');
  await page.getByLabel('Port').fill('1');
  await choose(visitor, 'Encryption', 'None (only where an operator allows it)');
  await choose(visitor, 'Kind of login', 'None');
  await choose(visitor, 'Protocol', 'LMTP');
  await page.getByRole('button', { name: 'Test connection' }).click();
  await page.getByText('The connection does not work yet.').waitFor();
  await page.getByLabel('Port').fill(String(stack.dovecot.lmtpPort));
  await page.getByRole('button', { name: 'Test connection' }).click();
  await page.getByText('The connection works.').waitFor();
  await page.getByLabel('Address', { exact: true }).fill('nonsense');
  await page.getByRole('button', { name: 'Save' }).click();
  await page.getByText('Enter one plain address').first().waitFor();
  await page.getByLabel('Address', { exact: true }).fill('support@example.com');
  await page.getByLabel('Name', { exact: true }).fill('Acme Support');
  await page.getByRole('button', { name: 'Save' }).click();
  await page.getByText('The outgoing mail of “Support” is saved.').waitFor();

  await stack.send({ subject: 'Screen is dark' });
  await page.getByRole('link', { name: 'Tickets', exact: true }).click();
  await page.getByRole('link', { name: 'Screen is dark' }).click();
  await page.getByLabel('Text').fill('Have you switched it on?');
  await page.getByRole('button', { name: 'Send answer' }).click();
  await page.getByText('kunde@example.org: sent').waitFor();
  await page.goto(`/mailboxes/${stack.providerId}/sending`);
  await page.getByRole('link', { name: /^Re: Screen is dark/ }).waitFor();
  await page.getByText('sent', { exact: true }).waitFor();
  await page.getByRole('switch', { name: 'Acknowledge new tickets' }).click({ force: true });
  expect(await inspect('sending')).toEqual([]);

  // A viewer reads it all and can press nothing.
  const viewer = await browser.visit(stack.origin);
  await viewer.logIn('viewer@example.com', PASSWORD);
  await viewer.page.goto(`/mailboxes/${stack.providerId}/sending`);
  await viewer.page.getByRole('link', { name: /^Re: Screen is dark/ }).waitFor();
  expect(await viewer.page.getByLabel('Host').isDisabled()).toBe(true);
  expect(
    await viewer.page.getByRole('button', { name: /^(Save|Test connection|Stop sending)/ }).count(),
  ).toBe(0);
  expect(viewer.troubles).toEqual([]);

  await page.getByRole('button', { name: 'Stop sending …' }).click();
  await page.getByText('Let “Support” send nothing any more?').waitFor();
  expect(await inspect('sending-remove')).toEqual([]);
  await page.getByRole('dialog').getByRole('button', { name: 'Stop sending' }).click();
  await page.getByText('This mailbox sends nothing yet.').waitFor();
}

/** What new tickets get is set for all mailboxes and for one, and forgotten again. */
export async function lookAfterTicketDefaults(visitor: Visitor, stack: TestStack): Promise<void> {
  const { page, inspect } = visitor;
  await page.getByRole('link', { name: 'Ticket defaults' }).first().click();
  await page.getByText('these are the built-in values').waitFor();
  await choose(visitor, 'Priority', 'High');
  await page.getByLabel('Queue').fill('first line');
  await page.getByLabel('Reopen within hours').fill('');
  await page.getByRole('button', { name: 'Save' }).click();
  await page.getByText('Nothing is set yet').waitFor({ state: 'detached' });
  expect(await inspect('ticket-defaults')).toEqual([]);

  await page.goto(`/mailboxes/${stack.providerId}/ticket-defaults`);
  await page.getByText('This mailbox uses the settings for all mailboxes.').waitFor();
  expect(await page.getByLabel('Queue').inputValue()).toBe('first line');
  await page.getByRole('combobox', { name: 'Tags' }).fill('mail');
  await page.keyboard.press('Enter');
  expect(await inspect('ticket-defaults-mailbox')).toEqual([]);
  await page.getByRole('button', { name: 'Save' }).click();
  await page.getByText('This mailbox uses the settings').waitFor({ state: 'detached' });
  await stack.send({ subject: 'Urgent matter' });
  const priority = (): Promise<readonly { priority: string; queue: string }[]> =>
    stack.world.sql(`SELECT priority, queue FROM tickets WHERE subject = 'Urgent matter'`);
  await expect.poll(priority, { timeout: 45_000 }).toEqual([{ priority: 'high', queue: 'first line' }]);
  await page.getByRole('button', { name: 'Forget these settings …' }).click();
  await page.getByRole('dialog').getByText('Forget these settings?').waitFor();
  expect(await inspect('ticket-defaults-forget')).toEqual([]);
  await page.getByRole('dialog').getByRole('button', { name: 'Forget' }).click();
  await page.getByText('This mailbox uses the settings for all mailboxes.').waitFor();
}

/** A tenant is added by an operator, renamed and closed by its own administrator. */
export async function lookAfterTenants(
  operator: Visitor,
  browser: TestBrowser,
  origin: string,
): Promise<void> {
  const { page, inspect } = operator;
  await page.getByRole('link', { name: 'Tenant', exact: true }).click();
  await page.getByText('Since').waitFor();
  expect(await inspect('tenant')).toEqual([]);
  await page.getByRole('button', { name: 'Add tenant' }).click();
  const dialog = page.getByRole('dialog');
  await dialog.getByLabel('Name of the tenant').fill('Newcomers');
  await dialog.getByLabel('Name of the administrator').fill('Nora');
  await dialog.getByLabel('E-mail').fill('nora@example.com');
  expect(await inspect('tenant-add')).toEqual([]);
  await dialog.getByRole('button', { name: 'Add tenant' }).click();
  const link = await page.getByRole('textbox', { name: 'Link' }).inputValue();
  expect(await inspect('tenant-added')).toEqual([]);
  await page.keyboard.press('Escape');

  const nora = await browser.visit(origin);
  await nora.page.goto(link);
  await nora.page.getByRole('textbox', { name: 'New password' }).fill(PASSWORD);
  await nora.page.getByRole('button', { name: 'Set password' }).click();
  await nora.page.getByRole('link', { name: 'To the login' }).waitFor();
  await nora.logIn('nora@example.com', PASSWORD);
  await nora.page.getByText('No mailbox is connected yet.').waitFor();
  await nora.page.getByRole('link', { name: 'Tenant', exact: true }).click();
  await nora.page.getByLabel('Name of the tenant').fill('Settlers');
  await nora.page.getByRole('button', { name: 'Save' }).click();
  await nora.page.getByRole('banner').getByText('Settlers').waitFor();
  expect(await nora.page.getByRole('button', { name: 'Add tenant' }).count()).toBe(0);
  await nora.page.getByRole('button', { name: 'Close …' }).click();
  const question = nora.page.getByRole('dialog');
  await question.getByLabel('Type “Settlers” to confirm').waitFor();
  expect(await nora.inspect('tenant-close')).toEqual([]);
  expect(await question.getByRole('button', { name: 'Close the tenant' }).isDisabled()).toBe(true);
  await question.getByLabel('Type “Settlers” to confirm').fill('Settlers');
  await question.getByRole('button', { name: 'Close the tenant' }).click();
  await nora.page.getByRole('button', { name: 'Log in' }).waitFor();
  expect(nora.troubles).toEqual([]);
}
