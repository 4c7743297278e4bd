import { Alert, Anchor, Button, Group, Stack, Text, Title } from '@mantine/core';
import { useDocumentTitle } from '@mantine/hooks';
import type { ReactElement } from 'react';
import { Link } from 'wouter';
import type { TicketDetail } from '../../src/contracts/tickets.ts';
import { request } from '../api.ts';
import { FailureAlert } from '../failure-alert.tsx';
import { ListSkeleton } from '../list-skeleton.tsx';
import { useMay } from '../me.ts';
import { showFailure } from '../notify.ts';
import { documentTitle } from '../page-title.tsx';
import { useTicket, useTicketMails } from '../queries.ts';
import { TicketBadge } from '../state-badge.tsx';
import { said, texts } from '../texts.ts';
import { TicketAnswer } from './ticket-answer.tsx';
import { Comment } from './ticket-comment.tsx';
import { TicketFacts } from './ticket-facts.tsx';
import { useAction } from '../use-action.ts';

export function TicketPage({ id }: { readonly id: string }): ReactElement {
  const ticket = useTicket(id);
  const mails = useTicketMails(id);
  const mayWrite = useMay('tickets:write');
  useDocumentTitle(
    documentTitle(
      ticket.data === undefined ? texts.tickets.title : `#${ticket.data.number} ${ticket.data.subject}`,
    ),
  );
  if (ticket.data === undefined)
    return ticket.isPending ? (
      <ListSkeleton rows={3} height={110} />
    ) : (
      <FailureAlert failure={ticket.error} onRetry={() => void ticket.refetch()} />
    );
  const { data } = ticket;
  return (
    <Stack maw={900}>
      <Anchor component={Link} href="/tickets" size="sm">
        ← {texts.tickets.title}
      </Anchor>
      <Group justify="space-between" align="flex-start">
        <Title order={1} size="h2" flex={1} miw={220} className="mail-text">
          <Text span inherit c="dimmed" fw={400}>
            #{data.number}
          </Text>{' '}
          {data.subject === '' ? texts.messages.noSubject : data.subject}
        </Title>
        <Group gap="sm">
          <TicketBadge status={data.status} />
          {mayWrite && data.mergedInto === null && <OpenOrClose ticket={data} />}
        </Group>
      </Group>
      {data.mergedInto !== null && (
        <Alert color="gray">
          {texts.tickets.mergedInto}{' '}
          <Anchor component={Link} href={`/tickets/${data.mergedInto}`} size="sm">
            {texts.tickets.openOther}
          </Anchor>
        </Alert>
      )}
      <TicketFacts ticket={data} />
      <Attention ticket={data} mayWrite={mayWrite} />
      {data.comments.map((comment) => (
        <Comment
          key={comment.id}
          ticketId={data.id}
          comment={comment}
          mail={mails.data?.items.find(({ commentId }) => commentId === comment.id)}
        />
      ))}
      {mayWrite && data.mergedInto === null && <TicketAnswer ticket={data} />}
    </Stack>
  );
}

function OpenOrClose({ ticket }: { readonly ticket: TicketDetail }): ReactElement {
  const isClosed = ticket.status === 'closed';
  const change = useAction(
    () => request('POST', `/api/tickets/${ticket.id}/${isClosed ? 'reopen' : 'close'}`),
    ['tickets'],
  );
  return (
    <Button
      variant="default"
      size="xs"
      loading={change.isPending}
      onClick={() => change.mutate(undefined, { onError: showFailure })}
    >
      {isClosed ? texts.tickets.reopen : texts.tickets.close}
    </Button>
  );
}

function Attention(props: {
  readonly ticket: TicketDetail;
  readonly mayWrite: boolean;
}): ReactElement | null {
  const { ticket, mayWrite } = props;
  const resolve = useAction(
    () => request('POST', `/api/tickets/${ticket.id}/resolve-attention`),
    ['tickets'],
  );
  if (ticket.attention.length === 0) return null;
  return (
    <Alert color="red" title={texts.tickets.attention}>
      <Stack gap="sm" align="flex-start">
        {ticket.attention.map(({ reason, text }) => (
          <Text key={reason} size="sm">
            {said(text)}
          </Text>
        ))}
        {mayWrite && (
          <Button
            size="xs"
            variant="light"
            color="red"
            loading={resolve.isPending}
            onClick={() => resolve.mutate(undefined, { onError: showFailure })}
          >
            {texts.tickets.resolve}
          </Button>
        )}
      </Stack>
    </Alert>
  );
}
