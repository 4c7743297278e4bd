/**
 * Every screen and everything that opens over one, with the name under which a browser test inspects it. `screens.test.ts` holds this list
 * against the sources, and each browser test holds what it has inspected against its part of the list.
 */

/** By route of `app.tsx`. */
export const PAGES: Readonly<Record<string, string>> = {
  login: 'login',
  '/password': 'set-password',
  '/connect': 'owner-link-390',
  '/connect/done': 'owner-done-390',
  '/mailboxes': 'mailboxes',
  '/mailboxes/new': 'connect-address',
  '/mailboxes/:id': 'mailbox',
  '/mailboxes/:id/edit': 'mailbox-edit',
  '/mailboxes/:id/sending': 'sending',
  '/mailboxes/:id/ticket-defaults': 'ticket-defaults-mailbox',
  '/ticket-defaults': 'ticket-defaults',
  '/messages': 'messages',
  '/dead-letters': 'dead-letters',
  '/dead-letters/strays': 'strays',
  '/clients': 'clients',
  '/clients/:id': 'client',
  '/rules': 'rules',
  '/rules/new': 'rule-form',
  '/rules/:id': 'rule-edit',
  '/tickets': 'tickets',
  '/tickets/:id': 'ticket',
  '/users': 'users',
  '/tokens': 'tokens',
  '/tenant': 'tenant',
  '/audit-log': 'audit-log',
  '/operations': 'operations',
  '/account': 'account',
  'no such page': 'page-missing',
};

/** By file of `web/` and component. */
export const DIALOGS: Readonly<Record<string, string>> = {
  'accounts/tenant-add.tsx Modal': 'tenant-add',
  'accounts/tenant-page.tsx ConfirmModal': 'tenant-close',
  'accounts/tenant-page.tsx SecretModal': 'tenant-added',
  'accounts/token-form.tsx Modal': 'token-form',
  'accounts/token-list.tsx ConfirmModal': 'token-revoke',
  'accounts/token-list.tsx SecretModal': 'token-secret',
  'accounts/user-invite.tsx Modal': 'user-invite',
  'accounts/user-list.tsx ActionMenu': 'user-menu',
  'accounts/user-list.tsx ConfirmModal': 'user-disable',
  'accounts/user-list.tsx SecretModal': 'user-link',
  'clients/client-form.tsx Modal': 'client-form',
  'clients/client-menu.tsx ActionMenu': 'client-menu',
  'clients/client-menu.tsx ConfirmModal': 'client-delete',
  'mail/discard-button.tsx ConfirmModal': 'discard',
  'mail/letter-drawer.tsx Drawer': 'dead-letter-details',
  'mail/message-drawer.tsx Drawer': 'message-details',
  'mail/replay-button.tsx ConfirmModal': 'replay',
  'mailbox-menu.tsx ActionMenu': 'mailbox-menu',
  'mailbox-menu.tsx Modal': 'mailbox-delete',
  'operations/operations-page.tsx ConfirmModal': 'restart',
  'reconnect.tsx Modal': 'owner-link-made',
  'resync-modal.tsx Modal': 'resync',
  'rules/rule-item.tsx ActionMenu': 'rule-menu',
  'rules/rule-item.tsx ConfirmModal': 'rule-delete',
  'rules/rule-list.tsx Drawer': 'rules-trial',
  'settings/sending-form.tsx ConfirmModal': 'sending-remove',
  'settings/ticket-defaults-form.tsx ConfirmModal': 'ticket-defaults-forget',
};

type BrowserTest = 'pages' | 'connecting' | 'settings';

/** What other tests than that of the pages inspect. */
const INSPECTED_BY: Readonly<Record<Exclude<BrowserTest, 'pages'>, readonly string[]>> = {
  connecting: [
    ...['owner-link-390', 'owner-done-390', 'owner-link-made', 'connect-address', 'mailbox-edit', 'resync'],
  ],
  settings: [
    ...['clients', 'client', 'client-form', 'client-delete', 'client-menu', 'strays'],
    ...['rules', 'rule-form', 'rule-edit', 'rule-delete', 'rule-menu', 'rules-trial'],
    ...['sending', 'sending-remove', 'ticket-defaults', 'ticket-defaults-mailbox', 'ticket-defaults-forget'],
    ...['tenant', 'tenant-add', 'tenant-added', 'tenant-close'],
  ],
};

function testOf(name: string): BrowserTest {
  if (INSPECTED_BY.connecting.includes(name)) return 'connecting';
  return INSPECTED_BY.settings.includes(name) ? 'settings' : 'pages';
}

/** @returns names that have not been inspected and should have been */
export function notInspected(inspected: ReadonlySet<string>, by: BrowserTest): readonly string[] {
  return [...Object.values(PAGES), ...Object.values(DIALOGS)].filter(
    (name) => testOf(name) === by && !inspected.has(name),
  );
}
