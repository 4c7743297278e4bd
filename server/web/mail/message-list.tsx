import { Group, Paper, Select, Stack, Table, Text, TextInput } from '@mantine/core';
import { useDebouncedValue } from '@mantine/hooks';
import { useState, type ReactElement } from 'react';
import type { Message, MessageStatus } from '../../src/contracts/messages.ts';
import { Age } from '../age.tsx';
import { SearchIcon } from '../icons.tsx';
import { MessageDrawer } from './message-drawer.tsx';
import { PageTitle } from '../page-title.tsx';
import { PagedList } from '../paged-list.tsx';
import { useMessages } from '../queries.ts';
import { MessageBadge } from '../state-badge.tsx';
import { texts } from '../texts.ts';

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
  const [filter, setFilter] = useState(NO_FILTER);
  const [sought] = useDebouncedValue(filter, 250);
  const [openId, setOpenId] = useState<string | null>(null);
  const pages = useMessages({
    subject: sought.subject.trim(),
    sender: sought.sender.trim(),
    messageId: sought.messageId.trim(),
    status: sought.status,
    since: sought.since === '' ? null : startOf(sought.since, 0),
    until: sought.until === '' ? null : startOf(sought.until, 1),
  });
  const day = (name: 'since' | 'until', label: string): ReactElement => (
    <TextInput
      type="date"
      label={label}
      value={filter[name]}
      onChange={(event) => setFilter({ ...filter, [name]: event.currentTarget.value })}
    />
  );
  const field = (name: 'subject' | 'sender' | 'messageId', label: string): ReactElement => (
    <TextInput
      flex={1}
      miw={160}
      leftSection={<SearchIcon />}
      label={label}
      value={filter[name]}
      onChange={(event) => setFilter({ ...filter, [name]: event.currentTarget.value })}
    />
  );
  return (
    <Stack maw={1200}>
      <PageTitle title={texts.messages.title} />
      <Group align="flex-end">
        {field('subject', texts.messages.search)}
        {field('sender', texts.messages.sender)}
        {field('messageId', texts.messages.messageId)}
        <Select
          label={texts.messages.state}
          placeholder={texts.messages.anyState}
          data={STATES.map((state) => ({ value: state, label: texts.messages.states[state] }))}
          value={filter.status}
          onChange={(status) => setFilter({ ...filter, status })}
          clearable
          w={160}
        />
        {day('since', texts.messages.since)}
        {day('until', texts.messages.until)}
      </Group>
      <PagedList
        pages={pages}
        isFiltered={JSON.stringify(sought) !== JSON.stringify(NO_FILTER)}
        empty={{ title: texts.messages.none, hint: texts.messages.noneHint }}
        noMatch={texts.messages.noMatch}
        onClearFilter={() => setFilter(NO_FILTER)}
      >
        {(messages) => <MessageTable messages={messages} onOpen={setOpenId} />}
      </PagedList>
      <MessageDrawer eventId={openId} onClose={() => setOpenId(null)} />
    </Stack>
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
    <Paper withBorder>
      <Table.ScrollContainer minWidth={320}>
        <Table verticalSpacing="sm" horizontalSpacing="md" highlightOnHover layout="fixed">
          <Table.Thead>
            <Table.Tr>
              <Table.Th>{texts.messages.subject}</Table.Th>
              <Table.Th w="26%" visibleFrom="sm">
                {texts.messages.from}
              </Table.Th>
              <Table.Th w={150} visibleFrom="sm">
                {texts.messages.mailbox}
              </Table.Th>
              <Table.Th w={120}>{texts.messages.state}</Table.Th>
              <Table.Th w={150} visibleFrom="sm">
                {texts.messages.received}
              </Table.Th>
            </Table.Tr>
          </Table.Thead>
          <Table.Tbody>
            {props.messages.map((message) => (
              <Table.Tr key={message.eventId}>
                <Table.Td>
                  <button
                    type="button"
                    className="text-button cut"
                    onClick={() => props.onOpen(message.eventId)}
                  >
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
          </Table.Tbody>
        </Table>
      </Table.ScrollContainer>
    </Paper>
  );
}
