import { Button, Group, Paper, SegmentedControl, Stack, Text, Textarea } from '@mantine/core';
import { useState, type ReactElement } from 'react';
import type { ReplyResult } from '../../src/contracts/outbound.ts';
import type { TicketDetail } from '../../src/contracts/tickets.ts';
import { request, type ApiFailure } from '../api.ts';
import { FailureAlert } from '../failure-alert.tsx';
import { showDone } from '../notify.ts';
import { texts } from '../texts.ts';
import { useAction } from '../use-action.ts';

/** Writes to the requester, or a note for colleagues. */
export function TicketAnswer({ ticket }: { readonly ticket: TicketDetail }): ReactElement {
  const [kind, setKind] = useState<'answer' | 'note'>('answer');
  const [text, setText] = useState('');
  // The same key until it went out: a second try after a lost connection is not a second answer.
  const [idempotencyKey, setKey] = useState(newKey);
  const isInternal = kind === 'note';
  const add = useAction(
    () =>
      request<ReplyResult>('POST', `/api/tickets/${ticket.id}/replies`, { text, isInternal, idempotencyKey }),
    ['tickets', 'outbound'],
  );
  const failure: ApiFailure | null = add.error;
  return (
    <Paper withBorder p="md" component="section" aria-label={texts.tickets.answer}>
      <Stack gap="sm">
        <SegmentedControl
          value={kind}
          onChange={(value) => setKind(value === 'note' ? 'note' : 'answer')}
          data={[
            { value: 'answer', label: texts.tickets.answer },
            { value: 'note', label: texts.tickets.note },
          ]}
        />
        <Text size="xs" c="dimmed">
          {isInternal ? texts.tickets.noteHint : texts.tickets.answerHint(ticket.requester.email)}
        </Text>
        <Textarea
          aria-label={texts.tickets.text}
          autosize
          minRows={4}
          maxRows={20}
          value={text}
          onChange={(event) => setText(event.currentTarget.value)}
        />
        {failure !== null && <FailureAlert failure={failure} />}
        <Group justify="flex-end">
          <Button
            loading={add.isPending}
            disabled={text.trim() === ''}
            onClick={() =>
              add.mutate(undefined, {
                onSuccess: () => {
                  showDone(isInternal ? texts.tickets.noted : texts.tickets.sent);
                  setText('');
                  setKey(newKey());
                },
              })
            }
          >
            {isInternal ? texts.tickets.addNote : texts.tickets.send}
          </Button>
        </Group>
      </Stack>
    </Paper>
  );
}

function newKey(): string {
  // `randomUUID` is missing where the page came without TLS.
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) =>
    byte.toString(16).padStart(2, '0'),
  ).join('');
}
