/** What a person does on the pages about rules. Part of settings-pages.real.test.ts, which has the system and the browser for it. */
import { expect } from 'vitest';
import type { Visitor } from './browser.ts';
import type { TestStack } from './stack.ts';

/** Of the ticket with this subject, as the API has it. */
async function ticketOf(stack: TestStack, subject: string): Promise<unknown> {
  const [row] = await stack.world.sql(
    `SELECT t.queue, t.priority, c.name AS client,
            ARRAY(SELECT tag FROM ticket_tags g WHERE g.tenant = t.tenant AND g.ticket_id = t.id ORDER BY 1) AS tags
       FROM tickets t LEFT JOIN clients c ON c.tenant = t.tenant AND c.id = t.client_id WHERE t.subject = $1`,
    [subject],
  );
  return row;
}

/** Needs what client-pages.ts leaves: an active client "Kunde AG", and mail with the subject "Invoice 4711". Leaves no rule. */
export async function lookAfterRules(visitor: Visitor, stack: TestStack): Promise<void> {
  await makeFirst(visitor);
  await makeSecond(visitor);
  await orderByKeyboard(visitor);
  await seeThemAct(visitor, stack);
  await switchAndEdit(visitor);
  await seeOnTelephone(visitor);
  await removeAll(visitor);
}

/** From the example, tried before it is saved. */
async function makeFirst({ page, inspect, glance }: Visitor): Promise<void> {
  await page.getByRole('link', { name: 'Rules' }).click();
  await page.getByText('No rules yet.').waitFor();
  expect(await glance('rules-empty')).toEqual([]);
  await page.getByRole('link', { name: 'Start with this example' }).click();
  await page.getByText('If the subject contains “invoice”, then queue “billing”, tag “money”').waitFor();
  await page.getByRole('combobox', { name: 'Client' }).click();
  await page.getByRole('option', { name: 'Kunde AG' }).click();
  await page.getByRole('combobox', { name: 'Priority' }).click();
  await page.getByRole('option', { name: 'High' }).click();

  // Refused where it is wrong.
  const first = page.getByRole('group', { name: 'Condition 1', exact: true });
  await first.getByRole('combobox', { name: 'How it is compared' }).click();
  await page.getByRole('option', { name: 'matches the expression' }).click();
  await first.getByRole('textbox', { name: 'Value' }).fill('invoice (');
  await page.getByRole('button', { name: 'Save' }).click();
  await first.getByText('The regular expression is refused at character 9').waitFor();
  expect(await glance('rule-form-refused')).toEqual([]);

  await first.getByRole('textbox', { name: 'Value' }).fill(String.raw`invoice \d+`);
  await page.getByRole('button', { name: 'Try it on past mail' }).click();
  const trial = page.getByRole('region', { name: 'Try it on past mail' });
  await trial.getByText(/^1 of the newest \d+ mails matches\.$/).waitFor();
  await trial.getByText('Invoice 4711').waitFor();
  await trial
    .getByText('Its ticket would get: queue “billing”, client Kunde AG, priority high, tag “money”.')
    .waitFor();
  await trial.getByText(String.raw`Because the subject matches the expression “invoice \d+”.`).waitFor();
  await trial.getByLabel('Show also mail that does not match').press('Space');
  await trial.getByText('No match').first().waitFor();
  expect(await inspect('rule-form')).toEqual([]);
  await page.getByRole('button', { name: 'Save' }).click();
  await page.getByText('The rule “Invoices” is added.').waitFor();
  await page.getByText('never matched').waitFor();
}

/** From nothing, with a group inside. */
async function makeSecond({ page, glance }: Visitor): Promise<void> {
  const choose = async (group: string, what: string, option: string): Promise<void> => {
    const inside = page.getByRole('group', { name: group, exact: true });
    await inside.getByRole('combobox', { name: what }).first().click();
    await page.getByRole('option', { name: option, exact: true }).click();
  };
  const value = (group: string, text: string): Promise<void> =>
    page.getByRole('group', { name: group, exact: true }).getByRole('textbox', { name: 'Value' }).fill(text);
  await page.getByRole('link', { name: 'Add rule' }).click();
  await page.getByLabel('Name').fill('Newsletters');
  await choose('Condition 1', 'What is looked at', 'Sender’s address');
  await choose('Condition 1', 'How it is compared', 'begins with');
  await value('Condition 1', 'news@');
  await page.getByRole('button', { name: 'Add group' }).click();
  await value('Condition 2.1', 'letter');
  await page
    .getByRole('group', { name: 'Group 2', exact: true })
    .getByRole('button', { name: 'Add condition' })
    .click();
  await choose('Condition 2.2', 'What is looked at', 'Size');
  await choose('Condition 2.2', 'How it is compared', 'is at most');
  await page.getByRole('button', { name: 'Add condition' }).last().click();
  // Nothing is said of what happens yet.
  await page.getByRole('button', { name: 'Save' }).click();
  await page.getByText('Say what happens').waitFor();
  await page.getByRole('button', { name: 'Remove: Condition 3' }).click();
  await page.getByLabel('It is left out').check();
  expect(await page.getByText('Say what happens').count()).toBe(0);
  await page
    .getByText(
      'If the sender’s address begins with “news@” and (the subject contains “letter” or the size is at most 1 MB), then leave it out, without a ticket',
    )
    .waitFor();
  expect(await glance('rule-form-groups')).toEqual([]);
  await page.getByRole('button', { name: 'Save' }).click();
  await page.getByText('The rule “Newsletters” is added.').waitFor();
}

async function orderByKeyboard({ page, inspect }: Visitor): Promise<void> {
  const names = page.getByRole('listitem').getByRole('link');
  await expect.poll(() => names.allTextContents()).toEqual(['Invoices', 'Newsletters']);
  const up = page.getByRole('button', { name: 'Move up: Newsletters' });
  await up.focus();
  await page.keyboard.press('Enter');
  await page.getByText('“Newsletters” is number 1 of 2 now.').waitFor();
  expect(await names.allTextContents()).toEqual(['Newsletters', 'Invoices']);
  expect(await up.evaluate((button) => button === button.ownerDocument.activeElement)).toBe(true);
  // At the end of the list it does nothing, and keeps the focus.
  await page.keyboard.press('Enter');
  await page.reload();
  await expect.poll(() => names.allTextContents()).toEqual(['Newsletters', 'Invoices']);
  expect(await inspect('rules')).toEqual([]);
}

/** Mail that is sent now: counted in the list that is open, and done. */
async function seeThemAct({ page, inspect, glance }: Visitor, stack: TestStack): Promise<void> {
  const item = (name: string): ReturnType<typeof page.getByRole> =>
    page.getByRole('listitem').filter({ hasText: name });
  await stack.send({ subject: 'invoice 4712' });
  await item('Invoices').getByText('matched once').waitFor();
  expect(await ticketOf(stack, 'invoice 4712')).toEqual({
    ...{ queue: 'billing', priority: 'high', client: 'Kunde AG', tags: ['money'] },
  });
  await stack.send({ subject: 'Our letter', from: 'news@example.org' });
  await item('Newsletters').getByText('matched once').waitFor();
  expect(await ticketOf(stack, 'Our letter')).toBeUndefined();
  await page.getByRole('button', { name: 'Try all rules' }).click();
  const drawer = page.getByRole('dialog');
  await drawer.getByText(/^3 of the newest \d+ mails match\.$/).waitFor();
  await drawer.getByText('1 would be left out.').waitFor();
  await drawer.getByText('By “Newsletters”. Because the sender’s address begins with “news@”').waitFor();
  expect(await inspect('rules-trial')).toEqual([]);
  await page.keyboard.press('Escape');

  await page.getByRole('link', { name: 'Messages' }).click();
  await page
    .getByRole('row', { name: /Our letter/ })
    .getByText('Skipped')
    .waitFor();
  await page.getByRole('link', { name: 'Tickets', exact: true }).click();
  await page.getByRole('link', { name: 'invoice 4712' }).click();
  const facts = page.getByRole('region', { name: 'What it belongs to' });
  await facts.getByText('Queue: billing').waitFor();
  await facts.getByText('money').waitFor();
  expect(await glance('ticket-with-facts')).toEqual([]);
  await facts.getByRole('link', { name: 'Kunde AG' }).click();
  await page.getByText('2 open of 2').waitFor();

  // A client that a rule names stays.
  await stack.world.sql('UPDATE tickets SET client_id = NULL');
  await page.reload();
  await page.getByRole('button', { name: 'Actions: Kunde AG' }).click();
  await page.getByRole('menuitem', { name: 'Delete' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Delete client' }).click();
  await page.getByText('A rule for incoming mail names this client.').waitFor();
}

async function switchAndEdit({ page }: Visitor): Promise<void> {
  await page.getByRole('link', { name: 'Rules' }).click();
  const item = page.getByRole('listitem').filter({ hasText: 'Invoices' });
  await item.getByRole('switch', { name: 'On: Invoices' }).press('Space');
  await item.getByText('Off', { exact: true }).waitFor();
  await item.getByRole('link', { name: 'Invoices' }).click();
  await page.getByLabel('Name').fill('Bills');
  await page.getByLabel('The rule is on').press('Space');
  await page.getByLabel(/^On trial/).press('Space');
  await page.getByRole('button', { name: 'Save' }).click();
  await page.getByText('The rule “Bills” is saved.').waitFor();
  const renamed = page.getByRole('listitem').filter({ hasText: 'Bills' });
  await renamed.getByText('On trial').waitFor();
  await renamed.getByText('matched once').waitFor();
}

/** In Spanish as well. */
async function seeOnTelephone({ page, inspect, glance }: Visitor): Promise<void> {
  const size = page.viewportSize();
  await page.setViewportSize({ width: 390, height: 844 });
  await page.getByLabel('Language').selectOption('es');
  await page.getByRole('heading', { name: 'Reglas' }).waitFor();
  await page.getByText('Newsletters').waitFor();
  expect(await glance('phone-rules-es')).toEqual([]);
  await page.getByRole('link', { name: 'Newsletters' }).click();
  await page.getByText('la dirección del remitente empieza por «news@»').waitFor();
  expect(await inspect('rule-edit')).toEqual([]);
  await page.goto('/rules');
  await page.getByLabel('Idioma').selectOption('en');
  await page.getByRole('heading', { name: 'Rules' }).waitFor();
  if (size !== null) await page.setViewportSize(size);
}

async function removeAll({ page, inspect }: Visitor): Promise<void> {
  for (const name of ['Bills', 'Newsletters']) {
    await page.getByRole('button', { name: `Actions: ${name}` }).click();
    await page.getByRole('menuitem', { name: 'Delete' }).waitFor();
    if (name === 'Bills') expect(await inspect('rule-menu')).toEqual([]);
    await page.getByRole('menuitem', { name: 'Delete' }).click();
    await page.getByRole('dialog').getByText('Its counts go with it.').waitFor();
    if (name === 'Bills') expect(await inspect('rule-delete')).toEqual([]);
    await page.getByRole('dialog').getByRole('button', { name: 'Delete rule' }).click();
    await page.getByText(`The rule “${name}” is deleted.`).waitFor();
  }
  await page.getByText('No rules yet.').waitFor();
}
