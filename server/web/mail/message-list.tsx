import { Group, Table, Text, TextInput } from '@mantine/core';
import { useState, type ReactElement } from 'react';
import type { Message, MessageStatus } from '../../src/contracts/messages.ts';
import { Age } from '../age.tsx';
import { ChoiceField, choicesOf, SearchField } from '../filter-fields.tsx';
import { ListPage } from '../paged-list.tsx';
import { useMessages } from '../queries.ts';
import { MessageBadge } from '../state-badge.tsx';
import { TableFrame } from '../table-frame.tsx';
import { texts } from '../texts.ts';
import { useFilter, type FilterState } from '../use-filter.ts';
import { MessageDrawer } from './message-drawer.tsx';

const STATES: readonly MessageStatus[] = ['received', 'published', 'processed', 'skipped', 'dead_letter'];
const NO_FILTER = {
  subject: '',
  sender: '',
  messageId: '',
  since: '',
  until: '',
  status: null as string | null,
};

export function MessageList(): ReactElement {
  const filter = useFilter(NO_FILTER);
  const [openId, setOpenId] = useState<string | null>(null);
  const { since, until, ...sought } = filter.sought;
  const pages = useMessages({
    ...sought,
    since: since === '' ? null : startOf(since, 0),
    until: until === '' ? null : startOf(until, 1),
  });
  return (
    <ListPage
      title={texts.messages.title}
      pages={pages}
      filter={{ isUsed: filter.isUsed, noMatch: texts.messages.noMatch, onClear: filter.clear }}
      empty={{ title: texts.messages.none, hint: texts.messages.noneHint }}
      fields={<Fields filter={filter} />}
      beside={<MessageDrawer eventId={openId} onClose={() => setOpenId(null)} />}
    >
      {(messages) => <MessageTable messages={messages} onOpen={setOpenId} />}
    </ListPage>
  );
}

function Fields({ filter }: { readonly filter: FilterState<typeof NO_FILTER> }): ReactElement {
  const { values, set } = filter;
  const field = (name: 'subject' | 'sender' | 'messageId', label: string): ReactElement => (
    <SearchField label={label} isLabelled value={values[name]} onChange={(value) => set({ [name]: value })} />
  );
  const day = (name: 'since' | 'until', label: string): ReactElement => (
    <TextInput
      type="date"
      label={label}
      value={values[name]}
      onChange={(event) => set({ [name]: event.currentTarget.value })}
    />
  );
  return (
    <>
      {field('subject', texts.messages.search)}
      {field('sender', texts.messages.sender)}
      {field('messageId', texts.messages.messageId)}
      <ChoiceField
        label={texts.messages.state}
        any={texts.messages.anyState}
        isLabelled
        choices={choicesOf(STATES, texts.messages.states)}
        value={values.status}
        onChange={(status) => set({ status })}
        w={160}
      />
      {day('since', texts.messages.since)}
      {day('until', texts.messages.until)}
    </>
  );
}

/** Begin of a day, or of one some days later, where the reader is. */
function startOf(day: string, plusDays: number): string {
  const date = new Date(`${day}T00:00:00`);
  date.setDate(date.getDate() + plusDays);
  return date.toISOString();
}

function MessageTable(props: {
  readonly messages: readonly Message[];
  readonly onOpen: (eventId: string) => void;
}): ReactElement {
  return (
    <TableFrame
      minWidth={320}
      isFixed
      columns={[
        { label: texts.messages.subject },
        { label: texts.messages.from, w: '26%', isWide: true },
        { label: texts.messages.mailbox, w: 150, isWide: true },
        { label: texts.messages.state, w: 120 },
        { label: texts.messages.received, w: 150, isWide: true },
      ]}
    >
      {props.messages.map((message) => (
        <Table.Tr key={message.eventId}>
          <Table.Td>
            <button type="button" className="text-button cut" onClick={() => props.onOpen(message.eventId)}>
              {message.subject ?? texts.messages.noSubject}
            </button>
            <Group gap={6} hiddenFrom="sm">
              <Text size="xs" c="dimmed" className="cut" maw="100%">
                {message.sender ?? texts.messages.noSender}
              </Text>
              <Age at={message.receivedAt} size="xs" c="dimmed" />
            </Group>
          </Table.Td>
          <Table.Td visibleFrom="sm">
            <Text size="sm" className="cut">
              {message.sender ?? texts.messages.noSender}
            </Text>
          </Table.Td>
          <Table.Td visibleFrom="sm">
            <Text size="sm" c="dimmed" className="cut">
              {message.providerName}
            </Text>
          </Table.Td>
          <Table.Td>
            <MessageBadge status={message.status} />
          </Table.Td>
          <Table.Td visibleFrom="sm">
            <Age at={message.receivedAt} size="sm" c="dimmed" className="cut" />
          </Table.Td>
        </Table.Tr>
      ))}
    </TableFrame>
  );
}
