/** The UI in a real browser, on the whole system. */
import { describe, expect, test } from 'vitest';
import { useBrowser } from './browser.ts';
import { lookAfterClients } from './client-pages.ts';
import { lookAfterRules } from './rule-pages.ts';
import { PASSWORD, useStack } from './stack.ts';

const browser = await useBrowser();

// Whole ways of a person, with a browser on a machine that does much else.
describe.skipIf(browser === null)('the pages (needs Chromium)', { timeout: 120_000 }, async () => {
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
    await page.getByRole('link', { name: 'Tickets', exact: true }).click();
    await page.getByRole('link', { name: 'Printer on fire' }).waitFor();
    await stack.send({ subject: 'Coffee is out' });
    await page.getByRole('link', { name: 'Coffee is out' }).waitFor();
    expect(troubles).toEqual([]);
  });

  test('what changes by another server appears here, and after a server was away everything is read again', async () => {
    const second = await stack.startServer();
    const [here, there] = [await browser.visit(stack.origin), await browser.visit(second.origin)];
    await here.logIn('operator@example.com', PASSWORD);
    await there.logIn('operator@example.com', PASSWORD);
    await there.page.getByRole('button', { name: 'Actions: Support' }).click();
    await there.page.getByRole('menuitem', { name: 'Pause' }).click();
    await here.page.getByText('Paused. Mail waits in the mailbox').waitFor();
    await second.process.stop();
    await here.page.getByRole('button', { name: 'Actions: Support' }).click();
    await here.page.getByRole('menuitem', { name: 'Resume' }).click();
    await here.page.getByText('Connected. New mail arrives by itself.').waitFor();
    await stack.startServer(Number(new URL(second.origin).port));
    await there.page.getByText('Connected. New mail arrives by itself.').waitFor();
    expect([...here.troubles, ...there.troubles]).toEqual([]);
  });

  test('a message is found by its Message-ID, with what happened to it, its original and a harmless view of it', async () => {
    const id = `<hostile-${Date.now()}@example.org>`;
    await stack.send({ subject: 'Hostile', raw: hostileMail(id) });
    const { page, context, inspect, logIn, troubles } = await browser.visit(stack.origin);
    await logIn('operator@example.com', PASSWORD);
    await page.getByRole('link', { name: 'Messages' }).click();
    await page.getByLabel('Message-ID').fill(id);
    await page.getByRole('button', { name: 'Hostile' }).click();
    const drawer = page.getByRole('dialog');
    await drawer.getByRole('link', { name: /Ticket #/ }).waitFor();
    await drawer.getByText('Its event is on the stream').waitFor();
    await drawer.getByRole('button', { name: 'Show the mail' }).click();
    const mail = page.frameLocator('iframe');
    await mail.getByText('Harmless words').waitFor();
    // Nothing ran, and nothing was asked of anybody (see `troubles`).
    expect(await page.title()).toBe('Messages · Mailstream');
    expect(await mail.locator('img, script, style[data-x], form, svg').count()).toBe(0);
    expect(await inspect('message-details')).toEqual([]);
    const download = page.waitForEvent('download');
    await drawer.getByRole('link', { name: 'Download original' }).click();
    expect((await download).suggestedFilename()).toMatch(/^[0-9a-f-]{36}\.eml$/);
    expect(context.pages()).toHaveLength(1);
    expect(troubles).toEqual([]);
  });

  test('a dead letter says why, is replayed after a look at what that does, and becomes a ticket', async () => {
    await stack.world.sql(`
      CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'poison'; END $$;
      CREATE TRIGGER refuse BEFORE INSERT ON tickets FOR EACH ROW WHEN (NEW.subject = 'Poison') EXECUTE FUNCTION refuse()`);
    const { page, inspect, logIn, troubles } = await browser.visit(stack.origin);
    await logIn('operator@example.com', PASSWORD);
    await page.getByRole('link', { name: 'Dead letters' }).click();
    await page.getByText('No dead letters.').waitFor();
    expect(await inspect('dead-letters-empty')).toEqual([]);
    await stack.send({ subject: 'Poison' });
    await page.getByRole('button', { name: 'Poison' }).click();
    await page.getByText('Why is there no ticket?').waitFor();
    expect(await inspect('dead-letter-details')).toEqual([]);
    await page.keyboard.press('Escape');
    await stack.world.sql('DROP TRIGGER refuse ON tickets');
    await page.getByLabel('Choose “Poison”').check();
    expect(await inspect('dead-letters')).toEqual([]);
    await page.getByRole('button', { name: 'Replay', exact: true }).click();
    await page.getByText('1 mail would be processed again.').waitFor();
    await page.getByRole('dialog').getByRole('button', { name: 'Replay' }).click();
    await page.getByText('No dead letters.').waitFor();
    await page.getByRole('link', { name: 'Tickets', exact: true }).click();
    await page.getByRole('link', { name: 'Poison' }).click();
    await page.getByText('Mail number').waitFor();
    expect(await inspect('ticket')).toEqual([]);
    await page.getByText('Note', { exact: true }).click();
    await page.getByLabel('Text').fill('A note for colleagues');
    await page.getByRole('button', { name: 'Add note' }).click();
    await page.getByRole('article').getByText('A note for colleagues').waitFor();

    // One that the ledger knows nothing of: somebody wrote to the stream.
    await stack.world.sql(
      `INSERT INTO dead_letters (tenant, event_id, source, state, code, detail, attempts, stream, entry_id)
       VALUES ($1, gen_random_uuid(), 'worker', 'open', 'PROVIDER_UNKNOWN', 'x', 1, 'events', '1-1')`,
      [stack.tenant],
    );
    await page.getByRole('link', { name: 'Dead letters' }).click();
    await page.getByRole('button', { name: '(no subject)' }).click();
    await page.getByRole('button', { name: 'What was tried' }).click();
    await page.getByText('PROVIDER_UNKNOWN: x').waitFor();
    expect(troubles).toEqual([]);
  });

  test('an operator sees instances, queues and jobs, looks for mail and restarts', async () => {
    const { page, inspect, logIn, troubles } = await browser.visit(stack.origin);
    await logIn('operator@example.com', PASSWORD);
    await page.getByRole('link', { name: 'Operations' }).click();
    await page.getByText(/email-service \d/).waitFor();
    await page
      .getByText('job-worker')
      .or(page.getByText(/waiting, \d+ under way/))
      .first()
      .waitFor();
    await page.getByText(/Messages: highest/).waitFor();
    expect(await inspect('operations')).toEqual([]);
    await page.getByRole('button', { name: 'Look for mail now' }).click();
    await page.getByText('1 mailbox is looked at.').waitFor();
    await page.getByRole('button', { name: 'Restart all …' }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Restart' }).click();
    await page.getByText('1 mailbox connects anew.').waitFor();
    await page
      .getByRole('button', { name: /^Run now: / })
      .first()
      .click();
    await page.getByText(/is started\./).waitFor();
    expect(troubles).toEqual([]);
  });

  test('somebody is invited, sets a password by the link, sees what a viewer sees, and is put out', async () => {
    const { page, inspect, logIn, troubles } = await browser.visit(stack.origin);
    await logIn('operator@example.com', PASSWORD);
    await page.getByRole('link', { name: 'Users' }).click();
    await page.getByRole('button', { name: 'Invite user' }).click();
    await page.getByRole('textbox', { name: 'Name', exact: true }).fill('Vera');
    await page.getByLabel('E-mail').fill('vera@example.com');
    expect(await inspect('user-invite')).toEqual([]);
    await page.getByRole('dialog').getByRole('button', { name: 'Invite user' }).click();
    const link = await page.getByRole('textbox', { name: 'Link' }).inputValue();
    expect(await inspect('user-link')).toEqual([]);
    await page.keyboard.press('Escape');
    await page.getByRole('row', { name: /Vera/ }).getByText('Invited').waitFor();
    expect(await inspect('users')).toEqual([]);

    const vera = await browser.visit(stack.origin);
    await vera.page.goto(link);
    // The token does not stay in the address.
    await vera.page.waitForURL((url) => url.hash === '');
    await vera.page.getByRole('textbox', { name: 'New password' }).fill('short');
    await vera.page.getByRole('button', { name: 'Set password' }).click();
    await vera.page.getByText('At least 12 characters').first().waitFor();
    expect(await vera.inspect('set-password')).toEqual([]);
    await vera.page.getByRole('textbox', { name: 'New password' }).fill('long enough a password');
    await vera.page.getByRole('button', { name: 'Set password' }).click();
    await vera.page.getByRole('link', { name: 'To the login' }).waitFor();
    await vera.logIn('vera@example.com', 'long enough a password');
    await vera.page.getByRole('link', { name: 'Support' }).waitFor();
    expect(await vera.page.getByRole('link', { name: 'Users' }).count()).toBe(0);
    expect(await vera.page.getByRole('button', { name: 'Add mailbox' }).count()).toBe(0);

    await page.getByRole('button', { name: 'Actions: Vera' }).click();
    await page.getByRole('menuitem', { name: 'Disable' }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Disable' }).click();
    // Without a reload: her page falls back to the login.
    await vera.page.getByRole('button', { name: 'Log in' }).waitFor();
    expect([...troubles, ...vera.troubles]).toEqual([]);
  });

  test('a token is made and revoked, and the audit log tells of it', async () => {
    const { page, inspect, logIn, troubles } = await browser.visit(stack.origin);
    await logIn('operator@example.com', PASSWORD);
    await page.getByRole('link', { name: 'API tokens' }).click();
    await page.getByText('No API tokens.').waitFor();
    await page.getByRole('button', { name: 'New token' }).first().click();
    await page.getByLabel('Name').fill('Reports');
    await page.getByLabel('See tickets').check();
    expect(await inspect('token-form')).toEqual([]);
    await page.getByRole('button', { name: 'Make token' }).click();
    expect(await page.getByLabel('Reports', { exact: true }).inputValue()).toMatch(/^mst_/);
    await page.keyboard.press('Escape');
    expect(await inspect('tokens')).toEqual([]);
    await page.getByRole('button', { name: 'Revoke: Reports' }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Revoke' }).click();
    await page
      .getByRole('row', { name: /Reports/ })
      .getByText('Revoked')
      .waitFor();
    await page.getByRole('link', { name: 'Audit log' }).click();
    await page.getByRole('button', { name: /revoked the API token Reports/ }).click();
    await page.getByText('name: Reports').first().waitFor();
    expect(await inspect('audit-log')).toEqual([]);
    expect(troubles).toEqual([]);
  });

  // One long visit: a login and its pages cost seconds.
  test(
    'clients and rules are made, tried, seen to act on mail that comes in, changed and deleted',
    { timeout: 240_000 },
    async () => {
      const visitor = await browser.visit(stack.origin);
      await visitor.logIn('operator@example.com', PASSWORD);
      await lookAfterClients(visitor, stack);
      await lookAfterRules(visitor, stack);
      expect(visitor.troubles).toEqual([]);
    },
  );

  test('a viewer sees clients and rules and may try them, and changes nothing; an operator sees letters of nobody', async () => {
    await stack.addUser('viewer', 'viewer@example.com');
    await stack.world.sql(
      `INSERT INTO email_rules (tenant, id, position, name, conditions, actions)
       VALUES ($1, gen_random_uuid(), 0, 'Seen', '{"field":"size","operator":"above","value":0}', '[{"kind":"priority","priority":"low"}]'),
              ($1, gen_random_uuid(), 1, 'Broken', '{"field":"moon"}', '[]')`,
      [stack.tenant],
    );
    await stack.world.sql(
      `INSERT INTO stray_dead_letters (stream, entry_id, entry, code, detail) VALUES ('events', '1-1', '["a","canary"]', 'ENTRY_INVALID', 'payload_json: no JSON')`,
    );
    const { page, inspect, logIn, troubles } = await browser.visit(stack.origin);
    await logIn('viewer@example.com', PASSWORD);
    await page.getByRole('link', { name: 'Rules' }).click();
    await page.getByText('This rule is passed over').waitFor();
    expect(await inspect('rules-viewer')).toEqual([]);
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
  });

  test('every screen is usable at a width of 390 pixels', { timeout: 240_000 }, async () => {
    const { page, inspect, logIn, troubles } = await browser.visit(stack.origin, { width: 390, height: 844 });
    await logIn('operator@example.com', PASSWORD);
    const findings: string[] = [];
    const screens = [
      'mailboxes',
      'mailboxes/new',
      'messages',
      'dead-letters',
      'dead-letters/strays',
      'tickets',
      'clients',
      'users',
      'tokens',
      'audit-log',
      'operations',
      'account',
    ];
    for (const screen of screens) {
      await page.goto(`/${screen}`);
      await page.getByRole('heading', { level: 1 }).waitFor();
      await page.locator('[aria-busy=true]').first().waitFor({ state: 'detached' });
      findings.push(...(await inspect(`phone-${screen.replaceAll('/', '-')}`, ['light'])));
    }
    await page.goto('/mailboxes');
    await page.getByRole('link', { name: 'Support' }).click();
    await page.getByText('Recent messages').waitFor();
    findings.push(...(await inspect('phone-mailbox', ['light'])));
    await page.getByRole('button', { name: 'Menu' }).click();
    await page.getByRole('link', { name: 'Tickets', exact: true }).click();
    await page.getByRole('heading', { name: 'Tickets' }).waitFor();
    expect(findings).toEqual([]);
    expect(troubles).toEqual([]);
  });
});

/** What a sanitiser may miss; each of these would show up as a changed title, a request to another host, or a window. */
function hostileMail(id: string): string {
  return [
    'From: =?utf-8?Q?Evil_=3Cscript=3E?= <evil@example.org>',
    'To: support@example.com',
    'Subject: Hostile',
    `Message-ID: ${id}`,
    'MIME-Version: 1.0',
    'Content-Type: text/html; charset=utf-8',
    '',
    `<html><head><base href="https://evil.example/"><meta http-equiv="refresh" content="0;url=https://evil.example/">
<style data-x>@import url(https://evil.example/x.css); body { background: url(https://evil.example/y.png) }</style></head>
<body onload="parent.document.title='owned'"><p>Harmless words</p>
<script>top.document.title = 'owned'; open('https://evil.example/')</script>
<img src="https://evil.example/pixel.gif" onerror="top.document.title='owned'"><svg onload="top.document.title='owned'"><image href="https://evil.example/z.svg"/></svg>
<form action="https://evil.example/"><input name="password"></form>
<a href="javascript:top.document.title='owned'">click</a><div style="position:fixed;inset:0;background:url(https://evil.example/w.png)">over</div></body></html>`.replaceAll(
      '\n',
      '\r\n',
    ),
    '',
  ].join('\r\n');
}
