/** The UI in a real browser, on the whole system. */
import { describe, expect, test } from 'vitest';
import { useBrowser } from './browser.ts';
import { PASSWORD, useStack } from './stack.ts';

const browser = await useBrowser();

describe.skipIf(browser === null)('the pages (needs Chromium)', async () => {
  if (browser === null) return;
  const stack = await useStack();
  await stack.addUser('operator', 'operator@example.com');

  test('a wrong password is told in words, and the right one logs in', async () => {
    const { page, inspect, troubles } = await browser.visit(stack.origin);
    await page.goto('/');
    expect(await inspect('login')).toEqual([]);
    await page.getByLabel('E-mail').fill('operator@example.com');
    await page.getByRole('textbox', { name: 'Password' }).fill('wrong');
    await page.getByRole('button', { name: 'Log in' }).click();
    await page.getByRole('alert').getByText('E-mail or password is wrong.').waitFor();
    expect(await inspect('login-refused')).toEqual([]);
    await page.getByRole('textbox', { name: 'Password' }).fill(PASSWORD);
    await page.getByRole('button', { name: 'Log in' }).click();
    await page.getByRole('heading', { name: 'Mailboxes' }).waitFor();
    await page.getByRole('link', { name: 'Support' }).waitFor();
    expect(await inspect('mailboxes')).toEqual([]);
    expect(troubles).toEqual([]);
  });

  test('the browser’s language is spoken, and another one can be chosen', async () => {
    const { page, inspect, logIn, troubles } = await browser.visit(stack.origin, { locale: 'es-MX' });
    await logIn('operator@example.com', PASSWORD);
    await page.getByRole('heading', { name: 'Buzones' }).waitFor();
    await page.getByText('El correo nuevo llega solo.').waitFor();
    expect(await page.locator('html').getAttribute('lang')).toBe('es');
    expect(await inspect('mailboxes-es')).toEqual([]);
    await page.getByLabel('Idioma').selectOption('en');
    await page.getByRole('heading', { name: 'Mailboxes' }).waitFor();
    expect(troubles).toEqual([]);
  });

  test('a mail that is sent appears as message and ticket without a reload', async () => {
    const { page, inspect, logIn, troubles } = await browser.visit(stack.origin);
    await logIn('operator@example.com', PASSWORD);
    await page.getByRole('link', { name: 'Messages' }).click();
    await page.getByText('No messages.').waitFor();
    expect(await inspect('messages-empty')).toEqual([]);
    const loads: string[] = [];
    page.on('framenavigated', (frame) => loads.push(frame.url()));
    await stack.send({ subject: 'Printer on fire' });
    const row = page.getByRole('row', { name: /Printer on fire/ });
    await row.waitFor();
    await row.getByText('Processed').waitFor();
    expect(loads).toEqual([]);
    await page.getByRole('link', { name: 'Tickets' }).click();
    await page.getByRole('link', { name: 'Printer on fire' }).waitFor();
    await stack.send({ subject: 'Coffee is out' });
    await page.getByRole('link', { name: 'Coffee is out' }).waitFor();
    expect(troubles).toEqual([]);
  });
});
