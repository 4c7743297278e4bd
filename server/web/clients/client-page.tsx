import { Anchor, Badge, Group, Skeleton, Stack, Table, Text, Title } from '@mantine/core';
import { useDocumentTitle } from '@mantine/hooks';
import type { ReactElement, ReactNode } from 'react';
import { Link, useLocation } from 'wouter';
import type { Contact } from '../../src/contracts/clients.ts';
import { FailureAlert } from '../failure-alert.tsx';
import { TicketTable } from '../mail/ticket-table.tsx';
import { PagedList } from '../paged-list.tsx';
import { documentTitle } from '../page-title.tsx';
import { useClient, useContacts, useTickets } from '../queries.ts';
import { TableFrame } from '../table-frame.tsx';
import { texts } from '../texts.ts';
import { ClientBadge } from './client-badge.tsx';
import { ClientMenu } from './client-menu.tsx';

/** One client with its people and its tickets. */
export function ClientPage({ id }: { readonly id: string }): ReactElement {
  const client = useClient(id);
  const contacts = useContacts(id);
  const tickets = useTickets({ clientId: id });
  const [, navigate] = useLocation();
  useDocumentTitle(documentTitle(client.data?.name ?? texts.clients.title));
  if (client.data === undefined)
    return client.isPending ? (
      <Skeleton h={200} maw={1100} />
    ) : (
      <FailureAlert failure={client.error} onRetry={() => void client.refetch()} />
    );
  const { name, domains, ticketCount, openTicketCount } = client.data;
  return (
    <Stack maw={1100}>
      <Anchor component={Link} href="/clients" size="sm">
        ← {texts.clients.title}
      </Anchor>
      <Group justify="space-between" wrap="nowrap" align="flex-start">
        <Title order={1} size="h2" className="wrap-anywhere">
          {name}
        </Title>
        <Group gap="xs" wrap="nowrap" flex="none">
          <ClientBadge client={client.data} />
          <ClientMenu client={client.data} onDeleted={() => navigate('/clients')} />
        </Group>
      </Group>
      {client.error !== null && <FailureAlert failure={client.error} />}
      <Group gap="xs" component="section" aria-label={texts.clients.domains}>
        {domains.map((domain) => (
          <Badge key={domain} variant="default" tt="none" fw={500} size="lg">
            {domain}
          </Badge>
        ))}
        {domains.length === 0 && (
          <Text size="sm" c="dimmed">
            {texts.clients.noDomains}
          </Text>
        )}
      </Group>
      <Section title={texts.clients.tickets} note={texts.clients.openTickets(openTicketCount, ticketCount)}>
        <PagedList
          pages={tickets}
          empty={{ title: texts.clients.noTickets, hint: texts.clients.noTicketsHint }}
        >
          {(items) => <TicketTable tickets={items} />}
        </PagedList>
      </Section>
      <Section title={texts.clients.contacts}>
        <PagedList
          pages={contacts}
          empty={{ title: texts.clients.noContacts, hint: texts.clients.noContactsHint }}
        >
          {(items) => <ContactTable contacts={items} />}
        </PagedList>
      </Section>
    </Stack>
  );
}

function Section(props: {
  readonly title: string;
  readonly note?: string;
  readonly children: ReactNode;
}): ReactElement {
  return (
    <Stack gap="xs" component="section" aria-label={props.title}>
      <Group gap="sm" align="baseline" mt="sm">
        <Title order={2} size="h4">
          {props.title}
        </Title>
        {props.note !== undefined && (
          <Text size="sm" c="dimmed">
            {props.note}
          </Text>
        )}
      </Group>
      {props.children}
    </Stack>
  );
}

function ContactTable({ contacts }: { readonly contacts: readonly Contact[] }): ReactElement {
  return (
    <TableFrame
      minWidth={320}
      isFixed
      columns={[{ label: texts.clients.email }, { label: texts.clients.name, w: '45%' }]}
    >
      {contacts.map(({ id, email, name }) => (
        <Table.Tr key={id}>
          <Table.Td>
            <Text size="sm" className="cut" title={email}>
              {email}
            </Text>
          </Table.Td>
          <Table.Td>
            <Text size="sm" className="cut">
              {name ?? '–'}
            </Text>
          </Table.Td>
        </Table.Tr>
      ))}
    </TableFrame>
  );
}
