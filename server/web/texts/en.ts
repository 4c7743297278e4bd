/** English, the language that the other dictionaries take their keys from. */
import { enAccounts } from './en-accounts.ts';
import { enClients } from './en-clients.ts';
import { enConnect } from './en-connect.ts';
import { enMail } from './en-mail.ts';
import { enMailboxes } from './en-mailboxes.ts';
import { enOperations } from './en-operations.ts';
import { enRules } from './en-rules.ts';
import { enSettings } from './en-settings.ts';

export const english = {
  product: 'Mailstream',
  nav: {
    mailboxes: 'Mailboxes',
    messages: 'Messages',
    tickets: 'Tickets',
    deadLetters: 'Dead letters',
    clients: 'Clients',
    rules: 'Rules',
    users: 'Users',
    tokens: 'API tokens',
    audit: 'Audit log',
    operations: 'Operations',
    account: 'My password',
    manage: 'Manage',
    main: 'Pages',
    api: 'API documentation',
    logout: 'Log out',
    lightOrDark: 'Switch between light and dark',
    menu: 'Menu',
    skip: 'Skip to the content',
    language: 'Language',
  },
  login: {
    email: 'E-mail',
    password: 'Password',
    submit: 'Log in',
  },
  common: {
    loading: 'Loading',
    retry: 'Try again',
    cancel: 'Cancel',
    save: 'Save',
    back: 'Back',
    close: 'Close',
    more: 'Show more',
    clear: 'Clear',
    never: 'never',
    unreachable: 'The server cannot be reached.',
    unreachableHint: 'Check your connection; this page tries again by itself.',
    pageMissing: 'There is no such page.',
    nothingFound: 'Nothing found',
  },
  states: {
    configuring: 'Connecting',
    connected: 'Connected',
    disconnected: 'Not connected',
    error: 'Needs attention',
    paused: 'Paused',
    inactive: 'Switched off',
  },
  ...enMailboxes,
  ...enConnect,
  ...enMail,
  ...enAccounts,
  ...enOperations,
  ...enClients,
  ...enRules,
  ...enSettings,
};
