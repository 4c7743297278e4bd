import type { ReactElement } from 'react';
import type { Client } from '../../src/contracts/clients.ts';
import { StateBadge } from '../state-badge.tsx';
import { texts } from '../texts.ts';

export function ClientBadge({ client }: { readonly client: Pick<Client, 'isActive'> }): ReactElement {
  return client.isActive ? (
    <StateBadge color="teal" label={texts.clients.active} />
  ) : (
    <StateBadge color="gray" label={texts.clients.inactive} />
  );
}
