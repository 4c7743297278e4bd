import { Anchor, Button, Group, Table, Text } from '@mantine/core';
import { useState, type ReactElement } from 'react';
import { Link } from 'wouter';
import type { Client } from '../../src/contracts/clients.ts';
import { SearchField } from '../filter-fields.tsx';
import { useMay } from '../me.ts';
import { ListPage } from '../paged-list.tsx';
import { useClients } from '../queries.ts';
import { TableFrame } from '../table-frame.tsx';
import { texts } from '../texts.ts';
import { useFilter } from '../use-filter.ts';
import { ClientBadge } from './client-badge.tsx';
import { ClientForm } from './client-form.tsx';
import { ClientMenu } from './client-menu.tsx';

const NO_FILTER = { search: '' };

/** Whom the tenant works for. */
export function ClientList(): ReactElement {
  const filter = useFilter(NO_FILTER);
  const pages = useClients(filter.sought);
  const [isAdding, setIsAdding] = useState(false);
  const mayWrite = useMay('tickets:write');
  const add = mayWrite && <Button onClick={() => setIsAdding(true)}>{texts.clients.add}</Button>;
  return (
    <ListPage
      title={texts.clients.title}
      intro={texts.clients.intro}
      actions={add}
      pages={pages}
      filter={{ isUsed: filter.isUsed, noMatch: texts.clients.noMatch, onClear: filter.clear }}
      empty={{ title: texts.clients.none, hint: texts.clients.noneHint, action: add }}
      fields={
        <SearchField
          label={texts.clients.search}
          value={filter.values.search}
          onChange={(search) => filter.set({ search })}
        />
      }
      beside={isAdding && <ClientForm client={null} onClose={() => setIsAdding(false)} />}
    >
      {(clients) => <ClientTable clients={clients} />}
    </ListPage>
  );
}

function ClientTable({ clients }: { readonly clients: readonly Client[] }): ReactElement {
  return (
    <TableFrame
      minWidth={320}
      isFixed
      columns={[
        { label: texts.clients.name },
        { label: texts.clients.domains, w: '45%', isWide: true },
        { label: texts.clients.state, w: 130 },
        { label: texts.clients.actions, isHeadless: true, w: 60 },
      ]}
    >
      {clients.map((client) => (
        <Table.Tr key={client.id}>
          <Table.Td>
            <Anchor component={Link} href={`/clients/${client.id}`} size="sm" fw={500} className="cut block">
              {client.name}
            </Anchor>
            <Text size="xs" c="dimmed" className="cut" hiddenFrom="sm">
              {client.domains.join(', ')}
            </Text>
          </Table.Td>
          <Table.Td visibleFrom="sm">
            <Text
              size="sm"
              className="wrap-anywhere"
              {...(client.domains.length === 0 ? { c: 'dimmed' } : {})}
            >
              {client.domains.length === 0 ? texts.clients.noDomains : client.domains.join(', ')}
            </Text>
          </Table.Td>
          <Table.Td>
            <ClientBadge client={client} />
          </Table.Td>
          <Table.Td>
            <Group justify="flex-end">
              <ClientMenu client={client} />
            </Group>
          </Table.Td>
        </Table.Tr>
      ))}
    </TableFrame>
  );
}
