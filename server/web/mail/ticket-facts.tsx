import { Anchor, Badge, Group, Text } from '@mantine/core';
import type { ReactElement, ReactNode } from 'react';
import { Link } from 'wouter';
import type { TicketDetail } from '../../src/contracts/tickets.ts';
import { texts } from '../texts.ts';

/** Whose it is, where it belongs and what rules said of it; nothing where nothing is set. */
export function TicketFacts({ ticket }: { readonly ticket: TicketDetail }): ReactElement | null {
  const { client, queue, priority, tags } = ticket;
  if (client === null && queue === null && priority === 'normal' && tags.length === 0) return null;
  return (
    <Group gap="md" component="section" aria-label={texts.tickets.facts}>
      {client !== null && (
        <Fact label={texts.rules.client}>
          <Anchor component={Link} href={`/clients/${client.id}`} size="sm">
            {client.name}
          </Anchor>
        </Fact>
      )}
      {queue !== null && <Fact label={texts.rules.queue}>{queue}</Fact>}
      {priority !== 'normal' && <Fact label={texts.rules.priority}>{texts.rules.priorities[priority]}</Fact>}
      {tags.map((tag) => (
        <Badge key={tag} variant="default" tt="none" fw={500}>
          {tag}
        </Badge>
      ))}
    </Group>
  );
}

function Fact({ label, children }: { readonly label: string; readonly children: ReactNode }): ReactElement {
  return (
    <Text size="sm">
      <Text span inherit c="dimmed">
        {label}:
      </Text>{' '}
      {children}
    </Text>
  );
}
