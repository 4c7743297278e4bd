import { Anchor, Button, Code, Group, Skeleton, Stack, Table, Text, Title } from '@mantine/core';
import type { ReactElement, ReactNode } from 'react';
import { Link } from 'wouter';
import type { MessageDetail } from '../src/contracts/messages.ts';
import { FailureAlert } from './failure-alert.tsx';
import { bytes, dateTime } from './format.ts';
import { useMessage } from './queries.ts';
import { MessageBadge } from './state-badge.tsx';
import { said, texts } from './texts.ts';

/** Where a message is and how it came there: the answer to "why is there no ticket?". */
export function MessageDetails({ eventId }: { readonly eventId: string }): ReactElement {
  const message = useMessage(eventId);
  if (message.data === undefined)
    return message.isPending ? <Skeleton h={240} /> : <FailureAlert failure={message.error} />;
  const { data } = message;
  return (
    <Stack>
      <div>
        <Title order={2} size="h4">
          {data.subject ?? texts.messages.noSubject}
        </Title>
        <Text c="dimmed" size="sm">
          {data.sender ?? texts.messages.noSender}
        </Text>
      </div>
      <Group wrap="nowrap" align="flex-start">
        <MessageBadge status={data.status} />
        <Text size="sm">{said(data.statusText)}</Text>
      </Group>
      <Facts message={data} />
      {data.status === 'dead_letter' && data.hasRaw && (
        <Button
          component="a"
          variant="light"
          href={`/api/email/dead-letters/${data.eventId}/raw`}
          download={`${data.eventId}.eml`}
        >
          {texts.messages.download}
        </Button>
      )}
    </Stack>
  );
}

function Facts({ message }: { readonly message: MessageDetail }): ReactElement {
  const { result } = message;
  const time = (at: string | null): string | null => (at === null ? null : dateTime(at));
  const rows: readonly (readonly [string, ReactNode])[] = [
    [texts.messages.result, result === null ? null : <Result key="result" result={result} />],
    [texts.messages.mailbox, message.providerName],
    [texts.messages.folder, message.folder],
    [texts.messages.uid, `${message.uid} (${message.uidValidity})`],
    [
      texts.messages.messageId,
      message.messageId === null ? null : <Code key="message-id">{message.messageId}</Code>,
    ],
    [texts.messages.size, bytes(message.size)],
    [texts.messages.received, time(message.receivedAt)],
    [texts.messages.published, time(message.publishedAt)],
    [texts.messages.processed, time(message.processedAt)],
    [texts.messages.event, <Code key="event">{message.eventId}</Code>],
    [
      texts.messages.entry,
      message.streamEntryId === null ? null : <Code key="entry">{message.streamEntryId}</Code>,
    ],
    [
      texts.messages.hash,
      message.contentHash === null ? null : <Code key="hash">{message.contentHash}</Code>,
    ],
  ];
  return (
    <Table layout="fixed" verticalSpacing="xs">
      <Table.Tbody>
        {rows
          .filter(([, value]) => value !== null)
          .map(([label, value]) => (
            <Table.Tr key={label}>
              <Table.Th w={130} fw={500}>
                {label}
              </Table.Th>
              <Table.Td className="mail-text">{value}</Table.Td>
            </Table.Tr>
          ))}
      </Table.Tbody>
    </Table>
  );
}

function Result({ result }: { readonly result: NonNullable<MessageDetail['result']> }): ReactElement {
  if (result.ticketId === null || result.ticketNumber === null) return <>{result.outcome}</>;
  return (
    <Anchor component={Link} href={`/tickets/${result.ticketId}`} size="sm">
      {texts.messages.ticket(result.ticketNumber)}
    </Anchor>
  );
}
