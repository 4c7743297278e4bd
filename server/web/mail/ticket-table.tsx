import { Anchor, Group, Table, Text } from '@mantine/core';
import type { ReactElement } from 'react';
import { Link } from 'wouter';
import type { Ticket } from '../../src/contracts/tickets.ts';
import { Age } from '../age.tsx';
import { TicketBadge } from '../state-badge.tsx';
import { TableFrame } from '../table-frame.tsx';
import { texts } from '../texts.ts';

export function TicketTable({ tickets }: { readonly tickets: readonly Ticket[] }): ReactElement {
  return (
    <TableFrame
      minWidth={320}
      isFixed
      columns={[
        { label: texts.tickets.number, w: 64 },
        { label: texts.tickets.subject },
        { label: texts.tickets.requester, w: '26%', isWide: true },
        { label: texts.mailbox.state, w: 130 },
        { label: texts.tickets.created, w: 150, isWide: true },
      ]}
    >
      {tickets.map((ticket) => (
        <Table.Tr key={ticket.id}>
          <Table.Td>
            <Text size="sm" c="dimmed">
              #{ticket.number}
            </Text>
          </Table.Td>
          <Table.Td>
            <Group gap="xs" wrap="nowrap">
              <Anchor component={Link} href={`/tickets/${ticket.id}`} size="sm" fw={500} className="cut">
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
    </TableFrame>
  );
}
