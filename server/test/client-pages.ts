/** What a person does on the pages about clients. Part of settings-pages.real.test.ts, which has the system and the browser for it. */
import { expect } from 'vitest';
import type { Visitor } from './browser.ts';
import type { TestStack } from './stack.ts';

/** Leaves the active client "Kunde AG" with the domain kunde.example and one ticket, "Invoice 4711". */
export async function lookAfterClients({ page, inspect, glance }: Visitor, stack: TestStack): Promise<void> {
  const dialog = page.getByRole('dialog');
  const tag = async (domain: string): Promise<void> => {
    await dialog.getByLabel('E-mail domains').fill(domain);
    await page.keyboard.press('Enter');
  };
  await page.getByRole('link', { name: 'Clients' }).click();
  await page.getByText('No clients yet.').waitFor();
  expect(await glance('clients-empty')).toEqual([]);

  // Added; what the server refuses stands at its field, and names the one of several that is wrong.
  await page.getByRole('button', { name: 'Add client' }).first().click();
  await dialog.getByLabel('Name').fill('Kunde');
  await tag('KUNDE.example');
  await tag('nonsense');
  await dialog.getByRole('button', { name: 'Save' }).click();
  await dialog.getByText('nonsense: This must be a domain such as example.com.').waitFor();
  expect(await inspect('client-form')).toEqual([]);
  await dialog.getByLabel('E-mail domains').focus();
  await page.keyboard.press('Backspace');
  await dialog.getByRole('button', { name: 'Save' }).click();
  await page.getByText('The client “Kunde” is added.').waitFor();
  await page.getByRole('cell', { name: 'kunde.example', exact: true }).waitFor();

  // Its page hears of its first ticket and its first contact.
  await page.getByRole('link', { name: 'Kunde', exact: true }).click();
  await page.getByText('No tickets.').waitFor();
  await page.getByText('No contacts.').waitFor();
  await stack.send({ subject: 'Invoice 4711', from: 'karla@kunde.example' });
  await page.getByRole('link', { name: 'Invoice 4711' }).waitFor();
  await page.getByText('1 open of 1').waitFor();
  await page.getByRole('cell', { name: 'karla@kunde.example' }).waitFor();
  await page.getByRole('button', { name: 'Actions: Kunde' }).click();
  await page.getByRole('menuitem', { name: 'Edit' }).click();
  await dialog.getByLabel('Name').fill('Kunde AG');
  await dialog.getByRole('button', { name: 'Save' }).click();
  await page.getByRole('heading', { name: 'Kunde AG', exact: true }).waitFor();
  expect(await inspect('client')).toEqual([]);

  // One with tickets stays: it is switched off, and on again.
  await page.getByRole('button', { name: 'Actions: Kunde AG' }).click();
  await page.getByRole('menuitem', { name: 'Delete' }).click();
  await dialog.getByText('1 ticket belongs to this client, so it stays.').waitFor();
  expect(await inspect('client-delete')).toEqual([]);
  await dialog.getByRole('button', { name: 'Switch off' }).click();
  await page.getByText('Switched off', { exact: true }).waitFor();
  await page.getByRole('button', { name: 'Actions: Kunde AG' }).click();
  await page.getByRole('menuitem', { name: 'Edit' }).click();
  await dialog.getByLabel('Gets new tickets').press('Space');
  await dialog.getByRole('button', { name: 'Save' }).click();
  await page.getByText('Active', { exact: true }).waitFor();

  // A mistake is taken back, also a search that finds nothing.
  await page.getByRole('link', { name: 'Clients' }).first().click();
  await page.getByRole('button', { name: 'Add client' }).click();
  await dialog.getByLabel('Name').fill('Mistake');
  await dialog.getByRole('button', { name: 'Save' }).click();
  await page
    .getByRole('row', { name: /Mistake/ })
    .getByText('No domains')
    .waitFor();
  expect(await inspect('clients')).toEqual([]);
  await page.getByRole('button', { name: 'Actions: Mistake' }).click();
  await page.getByRole('menuitem', { name: 'Delete' }).waitFor();
  expect(await inspect('client-menu')).toEqual([]);
  await page.getByRole('menuitem', { name: 'Delete' }).click();
  await dialog.getByText('Its domains are free again.').waitFor();
  await dialog.getByRole('button', { name: 'Delete client' }).click();
  await page.getByRole('row', { name: /Mistake/ }).waitFor({ state: 'detached' });
  await page.getByLabel('Search by name').fill('mist');
  await page.getByText('No client matches.').waitFor();
  await page.getByRole('button', { name: 'Show all' }).click();
  await page.getByRole('row', { name: /Kunde AG/ }).waitFor();
}
