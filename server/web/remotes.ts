/** What is chosen by name in several forms. */
import type { Client } from '../src/contracts/clients.ts';
import type { Provider } from '../src/contracts/providers.ts';
import type { Remote } from './remote-select.tsx';

export const MAILBOXES: Remote<Provider> = {
  key: 'providers',
  path: '/api/email/providers',
  nameOf: ({ providerName }) => providerName,
};

export const CLIENTS: Remote<Client> = {
  key: 'clients',
  path: '/api/clients',
  nameOf: ({ name }) => name,
  isOffered: ({ isActive }) => isActive,
};
