import {
  Accordion,
  Alert,
  Anchor,
  Button,
  Code,
  Group,
  Skeleton,
  Stack,
  Table,
  Text,
  Title,
} from '@mantine/core';
import { useState, type ReactElement, type ReactNode } from 'react';
import { Link } from 'wouter';
import type { MessageDetail } from '../../src/contracts/messages.ts';
import { FailureAlert } from '../failure-alert.tsx';
import { bytes } from '../format.ts';
import { MailFrame } from './mail-frame.tsx';
import { MessageTimeline } from './message-timeline.tsx';
import { useMessage } from '../queries.ts';
import { ReplayButton } from './replay-button.tsx';
import { MessageBadge } from '../state-badge.tsx';
import { said, texts } from '../texts.ts';

/** Where a message is and how it came there: the answer to "why is there no ticket?". */
export function MessageDetails({ eventId }: { readonly eventId: string }): ReactElement {
  const message = useMessage(eventId);
  const [isShown, setIsShown] = useState(false);
  if (message.data === undefined)
    return message.isPending ? <Skeleton h={240} /> : <FailureAlert failure={message.error} />;
  const { data } = message;
  const path = `/api/email/messages/${data.eventId}`;
  return (
    <Stack>
      <div>
        <Title order={2} size="h4">
          {data.subject ?? texts.messages.noSubject}
        </Title>
        <Text c="dimmed" size="sm" className="mail-text">
          {data.sender ?? texts.messages.noSender} · {data.providerName}
        </Text>
      </div>
      <Group wrap="nowrap" align="flex-start">
        <MessageBadge status={data.status} />
        <Text size="sm">{said(data.statusText)}</Text>
      </Group>
      <Outcome message={data} />
      <Title order={3} size="h5">
        {texts.messages.timeline}
      </Title>
      <MessageTimeline message={data} />
      <Group>
        {data.hasPreview && (
          <Button variant="light" onClick={() => setIsShown(!isShown)} aria-expanded={isShown}>
            {isShown ? texts.messages.previewHide : texts.messages.preview}
          </Button>
        )}
        {data.hasRaw && (
          <Button component="a" variant="default" href={`${path}/raw`} download={`${data.eventId}.eml`}>
            {texts.messages.download}
          </Button>
        )}
      </Group>
      {isShown && <MailFrame src={`${path}/preview`} />}
      <Accordion variant="contained">
        <Accordion.Item value="technical">
          <Accordion.Control>{texts.messages.technical}</Accordion.Control>
          <Accordion.Panel>
            <Facts message={data} />
          </Accordion.Panel>
        </Accordion.Item>
      </Accordion>
    </Stack>
  );
}

/** The ticket, or why there is none and what to do. */
function Outcome({ message }: { readonly message: MessageDetail }): ReactElement | null {
  const { result, status } = message;
  if (result !== null && result.ticketId !== null && result.ticketNumber !== null)
    return (
      <Anchor component={Link} href={`/tickets/${result.ticketId}`}>
        {texts.messages.ticket(result.ticketNumber)}
      </Anchor>
    );
  if (status !== 'dead_letter' && status !== 'skipped') return null;
  return (
    <Alert color={status === 'dead_letter' ? 'red' : 'gray'} title={texts.messages.noTicketTitle}>
      <Stack gap="sm" align="flex-start">
        <Text size="sm">
          {message.reasonText === null ? said(message.statusText) : said(message.reasonText)}
        </Text>
        {message.reasonHint !== null && <Text size="sm">{said(message.reasonHint)}</Text>}
        {status === 'dead_letter' && <ReplayButton eventIds={[message.eventId]} />}
      </Stack>
    </Alert>
  );
}

function Facts({ message }: { readonly message: MessageDetail }): ReactElement {
  const { result } = message;
  const code = (value: string | null): ReactNode => (value === null ? null : <Code>{value}</Code>);
  const rows: readonly (readonly [string, ReactNode])[] = [
    [texts.messages.result, result?.outcome ?? null],
    [texts.messages.folder, message.folder],
    [texts.messages.uid, `${message.uid} (${message.uidValidity})`],
    [texts.messages.messageId, code(message.messageId)],
    [texts.messages.size, bytes(message.size)],
    [texts.messages.event, code(message.eventId)],
    [texts.messages.entry, code(message.streamEntryId)],
    [texts.messages.hash, code(message.contentHash)],
  ];
  return (
    <Table layout="fixed" verticalSpacing="xs">
      <Table.Tbody>
        {rows
          .filter(([, value]) => value !== null)
          .map(([label, value]) => (
            <Table.Tr key={label}>
              <Table.Th w={120} fw={500}>
                {label}
              </Table.Th>
              <Table.Td className="mail-text">{value}</Table.Td>
            </Table.Tr>
          ))}
      </Table.Tbody>
    </Table>
  );
}
