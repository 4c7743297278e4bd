import { Badge } from '@mantine/core';
import type { ReactElement } from 'react';
import type { DeadLetterState } from '../src/contracts/dead-letters.ts';
import type { MessageStatus } from '../src/contracts/messages.ts';
import type { Provider, ProviderState } from '../src/contracts/providers.ts';
import type { TicketStatus } from '../src/contracts/tickets.ts';
import { texts } from './texts.ts';

export const PROVIDER_COLORS: Record<ProviderState, string> = {
  configuring: 'blue',
  connected: 'teal',
  disconnected: 'yellow',
  error: 'red',
  paused: 'gray',
  inactive: 'gray',
};

const MESSAGE: Record<MessageStatus, string> = {
  received: 'blue',
  published: 'indigo',
  processed: 'teal',
  skipped: 'gray',
  dead_letter: 'red',
};

const LETTER: Record<DeadLetterState, string> = {
  open: 'red',
  replaying: 'blue',
  replayed: 'teal',
  discarded: 'gray',
};

const TICKET: Record<TicketStatus, string> = {
  open: 'indigo',
  pending: 'yellow',
  closed: 'gray',
  needs_attention: 'red',
};

/** A mailbox that looks connected and is stale needs attention, whatever the connection says. */
export function ProviderBadge({ provider }: { readonly provider: Provider }): ReactElement {
  const { state, isStale } = provider;
  if (state === 'connected' && isStale) return <StateBadge color="red" label={texts.mailbox.stale} />;
  return <StateBadge color={PROVIDER_COLORS[state]} label={texts.states[state]} />;
}

export function MessageBadge({ status }: { readonly status: MessageStatus }): ReactElement {
  return <StateBadge color={MESSAGE[status]} label={texts.messages.states[status]} />;
}

export function LetterBadge({ state }: { readonly state: DeadLetterState }): ReactElement {
  return <StateBadge color={LETTER[state]} label={texts.deadLetters.states[state]} />;
}

export function TicketBadge({ status }: { readonly status: TicketStatus }): ReactElement {
  return <StateBadge color={TICKET[status]} label={texts.tickets.states[status]} />;
}

export function StateBadge({
  color,
  label,
}: {
  readonly color: string;
  readonly label: string;
}): ReactElement {
  return (
    <Badge color={color} variant="light" tt="none" fw={600} miw="fit-content">
      {label}
    </Badge>
  );
}
