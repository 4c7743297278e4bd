/** The pages of what a tenant sets for itself, in a real browser, on the whole system. */
import { describe, expect, test } from 'vitest';
import { inspected, useBrowser } from './browser.ts';
import { lookAfterClients } from './client-pages.ts';
import { lookAfterRules } from './rule-pages.ts';
import { notInspected } from './screens.ts';
import { lookAfterSending, lookAfterTenants, lookAfterTicketDefaults } from './settings-pages.ts';
import { PASSWORD, useStack } from './stack.ts';

const browser = await useBrowser();

// Whole ways of a person, with a browser on a machine that does much else.
describe.skipIf(browser === null)(
  'the pages of settings (needs Chromium)',
  { timeout: 240_000 },
  async () => {
    if (browser === null) return;
    const stack = await useStack();
    await stack.addUser('operator', 'operator@example.com');
    await stack.addUser('viewer', 'viewer@example.com');

    // One long visit: a login and its pages cost seconds.
    test('clients and rules are made, tried, seen to act on mail that comes in, changed and deleted', async () => {
      const visitor = await browser.visit(stack.origin);
      await visitor.logIn('operator@example.com', PASSWORD);
      // One that no rule is for.
      await stack.send({ subject: 'Printer on fire' });
      await lookAfterClients(visitor, stack);
      await lookAfterRules(visitor, stack);
      expect(visitor.troubles).toEqual([]);
    });

    test('a mailbox gets a server for outgoing mail and defaults for its tickets, and a tenant comes and goes', async () => {
      const visitor = await browser.visit(stack.origin);
      await visitor.logIn('operator@example.com', PASSWORD);
      await lookAfterSending(visitor, browser, stack);
      await lookAfterTicketDefaults(visitor, stack);
      await lookAfterTenants(visitor, browser, stack.origin);
      expect(visitor.troubles).toEqual([]);
    });

    test('a viewer sees clients and rules and may try them, and changes nothing; an operator sees letters of nobody', async () => {
      await stack.world.sql(
        `INSERT INTO email_rules (tenant, id, position, name, conditions, actions)
       VALUES ($1, gen_random_uuid(), 0, 'Seen', '{"field":"size","operator":"above","value":0}', '[{"kind":"priority","priority":"low"}]'),
              ($1, gen_random_uuid(), 1, 'Broken', '{"field":"moon"}', '[]')`,
        [stack.tenant],
      );
      await stack.world.sql(
        `INSERT INTO stray_dead_letters (stream, entry_id, entry, code, detail) VALUES ('events', '1-1', '["a","canary"]', 'ENTRY_INVALID', 'payload_json: no JSON')`,
      );
      const { page, inspect, glance, logIn, troubles } = await browser.visit(stack.origin);
      await logIn('viewer@example.com', PASSWORD);
      await page.getByRole('link', { name: 'Rules' }).click();
      await page.getByText('This rule is passed over').waitFor();
      expect(await glance('rules-viewer')).toEqual([]);
      expect(
        await page
          .getByRole('switch')
          .or(page.getByRole('link', { name: 'Add rule' }))
          .count(),
      ).toBe(0);
      await page.getByRole('button', { name: 'Actions: Seen' }).click();
      expect(await page.getByRole('menuitem').allTextContents()).toEqual(['Try on past mail']);
      await page.getByRole('menuitem').click();
      await page.getByRole('dialog').getByText('Its ticket would get: priority low.').first().waitFor();
      await page.keyboard.press('Escape');
      await page.getByRole('link', { name: 'Clients' }).click();
      await page.getByRole('link', { name: 'Kunde AG' }).waitFor();
      expect(await page.getByRole('button', { name: /Add client|Actions/ }).count()).toBe(0);
      await page.getByRole('link', { name: 'Dead letters' }).click();
      await page.getByText('No dead letters.').or(page.getByRole('row').nth(1)).first().waitFor();
      expect(await page.getByRole('link', { name: 'Letters of nobody' }).count()).toBe(0);
      await page.getByRole('button', { name: 'Log out' }).click();
      await page.getByRole('button', { name: 'Log in' }).waitFor();
      await logIn('operator@example.com', PASSWORD);
      await page.getByRole('link', { name: 'Dead letters' }).click();
      await page.getByRole('link', { name: 'Letters of nobody' }).click();
      await page.getByText('ENTRY_INVALID: payload_json: no JSON').waitFor();
      expect(await inspect('strays')).toEqual([]);
      expect(troubles).toEqual([]);
      // Those of the tests above included.
      expect(notInspected(inspected, 'settings')).toEqual([]);
    });
  },
);
