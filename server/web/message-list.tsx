import { Drawer, Group, Paper, Select, Stack, Table, Text, TextInput, Title } from '@mantine/core';
import { useDebouncedValue } from '@mantine/hooks';
import { useState, type ReactElement } from 'react';
import type { Message, MessageStatus } from '../src/contracts/messages.ts';
import { Age } from './age.tsx';
import { SearchIcon } from './icons.tsx';
import { MessageDetails } from './message-details.tsx';
import { PagedList } from './paged-list.tsx';
import { useMessages } from './queries.ts';
import { MessageBadge } from './state-badge.tsx';
import { texts } from './texts.ts';

const STATES: readonly MessageStatus[] = ['received', 'published', 'processed', 'skipped', 'dead_letter'];
const NO_FILTER = { subject: '', sender: '', messageId: '', status: null as string | null };

export function MessageList(): ReactElement {
  const [filter, setFilter] = useState(NO_FILTER);
  const [sought] = useDebouncedValue(filter, 250);
  const [openId, setOpenId] = useState<string | null>(null);
  const pages = useMessages({
    subject: sought.subject.trim(),
    sender: sought.sender.trim(),
    messageId: sought.messageId.trim(),
    status: sought.status,
  });
  const field = (name: 'subject' | 'sender' | 'messageId', label: string): ReactElement => (
    <TextInput
      flex={1}
      miw={160}
      leftSection={<SearchIcon />}
      placeholder={label}
      aria-label={label}
      value={filter[name]}
      onChange={(event) => setFilter({ ...filter, [name]: event.currentTarget.value })}
    />
  );
  return (
    <Stack maw={1200}>
      <Title order={1} size="h2">
        {texts.messages.title}
      </Title>
      <Group>
        {field('subject', texts.messages.search)}
        {field('sender', texts.messages.sender)}
        {field('messageId', texts.messages.messageId)}
        <Select
          placeholder={texts.messages.anyState}
          aria-label={texts.messages.anyState}
          data={STATES.map((state) => ({ value: state, label: texts.messages.states[state] }))}
          value={filter.status}
          onChange={(status) => setFilter({ ...filter, status })}
          clearable
          w={160}
        />
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
      <Drawer
        opened={openId !== null}
        onClose={() => setOpenId(null)}
        position="right"
        size="lg"
        title={texts.messages.details}
      >
        {openId !== null && <MessageDetails eventId={openId} />}
      </Drawer>
    </Stack>
  );
}

function MessageTable(props: {
  readonly messages: readonly Message[];
  readonly onOpen: (eventId: string) => void;
}): ReactElement {
  return (
    <Paper withBorder>
      <Table.ScrollContainer minWidth={760}>
        <Table verticalSpacing="sm" horizontalSpacing="md" highlightOnHover layout="fixed">
          <Table.Thead>
            <Table.Tr>
              <Table.Th w="36%">{texts.messages.subject}</Table.Th>
              <Table.Th>{texts.messages.from}</Table.Th>
              <Table.Th w={160}>{texts.messages.mailbox}</Table.Th>
              <Table.Th w={120}>{texts.messages.state}</Table.Th>
              <Table.Th w={130}>{texts.messages.received}</Table.Th>
            </Table.Tr>
          </Table.Thead>
          <Table.Tbody>
            {props.messages.map((message) => (
              <Table.Tr
                key={message.eventId}
                className="row-link"
                tabIndex={0}
                onClick={() => props.onOpen(message.eventId)}
                onKeyDown={(event) => {
                  if (event.key === 'Enter') props.onOpen(message.eventId);
                }}
              >
                <Table.Td>
                  <Text size="sm" fw={500} className="cut">
                    {message.subject ?? texts.messages.noSubject}
                  </Text>
                </Table.Td>
                <Table.Td>
                  <Text size="sm" className="cut">
                    {message.sender ?? texts.messages.noSender}
                  </Text>
                </Table.Td>
                <Table.Td>
                  <Text size="sm" c="dimmed" className="cut">
                    {message.providerName}
                  </Text>
                </Table.Td>
                <Table.Td>
                  <MessageBadge status={message.status} />
                </Table.Td>
                <Table.Td>
                  <Age at={message.receivedAt} size="sm" c="dimmed" />
                </Table.Td>
              </Table.Tr>
            ))}
          </Table.Tbody>
        </Table>
      </Table.ScrollContainer>
    </Paper>
  );
}
