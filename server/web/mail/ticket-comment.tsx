import { Anchor, Badge, Button, Group, Paper, Spoiler, Stack, Text } from '@mantine/core';
import { useState, type ReactElement } from 'react';
import type { OutboundMail } from '../../src/contracts/outbound.ts';
import type { TicketComment } from '../../src/contracts/tickets.ts';
import { Age } from '../age.tsx';
import { request } from '../api.ts';
import { bytes } from '../format.ts';
import { MailFrame } from './mail-frame.tsx';
import { useMay } from '../me.ts';
import { showFailure } from '../notify.ts';
import { texts } from '../texts.ts';
import { useAction } from '../use-action.ts';

/** One mail, answer or note. Text is shown as text; the formatted mail is a page that can do nothing, on request. */
export function Comment(props: {
  readonly ticketId: string;
  readonly comment: TicketComment;
  /** What became of it, where it was sent. */
  readonly mail: OutboundMail | undefined;
}): ReactElement {
  const { ticketId, comment, mail } = props;
  const [isFormatted, setIsFormatted] = useState(false);
  const path = `/api/tickets/${ticketId}`;
  return (
    <Paper withBorder p="md" component="article">
      <Stack gap="sm">
        <Head comment={comment} />
        {isFormatted ? (
          <MailFrame src={`${path}/comments/${comment.id}/preview`} />
        ) : (
          <Text component="div" size="sm" className="mail-text">
            {comment.bodyText}
          </Text>
        )}
        {!isFormatted && comment.quotedText !== null && (
          <Spoiler maxHeight={0} showLabel={texts.tickets.quoted} hideLabel={texts.tickets.quoted}>
            <Text component="div" size="sm" c="dimmed" className="mail-text">
              {comment.quotedText}
            </Text>
          </Spoiler>
        )}
        <Group gap="sm">
          {comment.hasHtml && (
            <Button variant="subtle" size="compact-xs" onClick={() => setIsFormatted(!isFormatted)}>
              {isFormatted ? texts.tickets.showText : texts.tickets.showHtml}
            </Button>
          )}
          {comment.attachments.map((attachment) => (
            <Anchor
              key={attachment.id}
              size="xs"
              href={`${path}/attachments/${attachment.id}`}
              download={attachment.name}
              aria-label={texts.tickets.attachment(attachment.name, bytes(attachment.size))}
            >
              {attachment.name} · {bytes(attachment.size)}
            </Anchor>
          ))}
          {mail !== undefined && <MailState mail={mail} />}
        </Group>
      </Stack>
    </Paper>
  );
}

function Head({ comment }: { readonly comment: TicketComment }): ReactElement {
  const { author, authorKind } = comment;
  const badge = (color: string, label: string): ReactElement => (
    <Badge variant="light" color={color} tt="none">
      {label}
    </Badge>
  );
  return (
    <Group justify="space-between" align="flex-start">
      <div>
        <Text size="sm" fw={600}>
          {author.name ?? author.email}
        </Text>
        {author.name !== null && (
          <Text size="xs" c="dimmed" className="mail-text">
            {author.email}
          </Text>
        )}
      </div>
      <Group gap="xs">
        {comment.isInternal && badge('yellow', texts.tickets.internal)}
        {authorKind === 'agent' && badge('indigo', texts.tickets.agent)}
        {authorKind === 'automated' && badge('gray', texts.tickets.automated)}
        <Age at={comment.createdAt} size="xs" c="dimmed" />
      </Group>
    </Group>
  );
}

function MailState({ mail }: { readonly mail: OutboundMail }): ReactElement {
  const retry = useAction(() => request('POST', `/api/outbound/${mail.id}/retry`), ['outbound', 'tickets']);
  const mayWrite = useMay('tickets:write');
  const isTrouble = mail.state === 'failed' || mail.state === 'bounced';
  return (
    <Group gap="xs">
      <Text size="xs" c={isTrouble ? 'red' : 'dimmed'}>
        {mail.to}: {texts.tickets.mailStates[mail.state]}
      </Text>
      {mail.state === 'failed' && mayWrite && (
        <Button
          variant="subtle"
          size="compact-xs"
          loading={retry.isPending}
          onClick={() => retry.mutate(undefined, { onError: showFailure })}
        >
          {texts.tickets.retry}
        </Button>
      )}
    </Group>
  );
}
