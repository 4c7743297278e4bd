import { Anchor, Group, Paper, Select, Stack, Table, Text, TextInput } from '@mantine/core';
import { useDebouncedValue } from '@mantine/hooks';
import { useState, type ReactElement } from 'react';
import { Link } from 'wouter';
import type { Ticket, TicketStatus } from '../../src/contracts/tickets.ts';
import { Age } from '../age.tsx';
import { SearchIcon } from '../icons.tsx';
import { PageTitle } from '../page-title.tsx';
import { PagedList } from '../paged-list.tsx';
import { useTickets } from '../queries.ts';
import { TicketBadge } from '../state-badge.tsx';
import { texts } from '../texts.ts';

const STATES: readonly TicketStatus[] = ['open', 'pending', 'needs_attention', 'closed'];

export function TicketList(): ReactElement {
  const [search, setSearch] = useState('');
  const [sought] = useDebouncedValue(search.trim(), 250);
  const [status, setStatus] = useState<string | null>(null);
  const pages = useTickets({ search: sought, status });
  return (
    <Stack maw={1200}>
      <PageTitle title={texts.tickets.title} />
      <Group>
        <TextInput
          flex={1}
          leftSection={<SearchIcon />}
          placeholder={texts.tickets.search}
          aria-label={texts.tickets.search}
          value={search}
          onChange={(event) => setSearch(event.currentTarget.value)}
        />
        <Select
          placeholder={texts.tickets.anyState}
          aria-label={texts.tickets.anyState}
          data={STATES.map((value) => ({ value, label: texts.tickets.states[value] }))}
          value={status}
          onChange={setStatus}
          clearable
          w={180}
        />
      </Group>
      <PagedList
        pages={pages}
        isFiltered={sought !== '' || status !== null}
        empty={{ title: texts.tickets.none, hint: texts.tickets.noneHint }}
        noMatch={texts.tickets.noMatch}
        onClearFilter={() => {
          setSearch('');
          setStatus(null);
        }}
      >
        {(tickets) => <TicketTable tickets={tickets} />}
      </PagedList>
    </Stack>
  );
}

function TicketTable({ tickets }: { readonly tickets: readonly Ticket[] }): ReactElement {
  return (
    <Paper withBorder>
      <Table.ScrollContainer minWidth={320}>
        <Table verticalSpacing="sm" horizontalSpacing="md" highlightOnHover layout="fixed">
          <Table.Thead>
            <Table.Tr>
              <Table.Th w={64}>{texts.tickets.number}</Table.Th>
              <Table.Th>{texts.tickets.subject}</Table.Th>
              <Table.Th w="26%" visibleFrom="sm">
                {texts.tickets.requester}
              </Table.Th>
              <Table.Th w={130}>{texts.mailbox.state}</Table.Th>
              <Table.Th w={150} visibleFrom="sm">
                {texts.tickets.created}
              </Table.Th>
            </Table.Tr>
          </Table.Thead>
          <Table.Tbody>
            {tickets.map((ticket) => (
              <Table.Tr key={ticket.id}>
                <Table.Td>
                  <Text size="sm" c="dimmed">
                    #{ticket.number}
                  </Text>
                </Table.Td>
                <Table.Td>
                  <Group gap="xs" wrap="nowrap">
                    <Anchor
                      component={Link}
                      href={`/tickets/${ticket.id}`}
                      size="sm"
                      fw={500}
                      className="cut"
                    >
                      {ticket.subject === '' ? texts.messages.noSubject : ticket.subject}
                    </Anchor>
                    {ticket.commentCount > 1 && (
                      <Text size="xs" c="dimmed">
                        {ticket.commentCount}
                      </Text>
                    )}
                  </Group>
                </Table.Td>
                <Table.Td visibleFrom="sm">
                  <Text size="sm" className="cut" title={ticket.requester.email}>
                    {ticket.requester.name ?? ticket.requester.email}
                  </Text>
                </Table.Td>
                <Table.Td>
                  <TicketBadge status={ticket.status} />
                </Table.Td>
                <Table.Td visibleFrom="sm">
                  <Age at={ticket.createdAt} size="sm" c="dimmed" className="cut" />
                </Table.Td>
              </Table.Tr>
            ))}
          </Table.Tbody>
        </Table>
      </Table.ScrollContainer>
    </Paper>
  );
}
