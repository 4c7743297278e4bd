import { Accordion, Alert, Drawer, Skeleton, Stack, Text, Title } from '@mantine/core';
import type { ReactElement } from 'react';
import type { DeadLetterDetail } from '../../src/contracts/dead-letters.ts';
import { FailureAlert } from '../failure-alert.tsx';
import { dateTime } from '../format.ts';
import { useDeadLetter } from '../queries.ts';
import { said, texts } from '../texts.ts';
import { MessageDetails } from './message-details.tsx';
import { ReplayButton } from './replay-button.tsx';

/** One dead letter beside the list: what is known of its message, what was tried, and its entry as it was. */
export function LetterDrawer(props: {
  readonly eventId: string | null;
  readonly onClose: () => void;
}): ReactElement {
  const { eventId, onClose } = props;
  return (
    <Drawer
      opened={eventId !== null}
      onClose={onClose}
      position="right"
      size="lg"
      title={texts.deadLetters.one}
    >
      {eventId !== null && <Letter eventId={eventId} />}
    </Drawer>
  );
}

function Letter({ eventId }: { readonly eventId: string }): ReactElement {
  const letter = useDeadLetter(eventId);
  if (letter.data === undefined)
    return letter.isPending ? <Skeleton h={240} /> : <FailureAlert failure={letter.error} />;
  const { data } = letter;
  return (
    <Stack>
      {data.providerId === null ? <WithoutMessage letter={data} /> : <MessageDetails eventId={eventId} />}
      <Attempts letter={data} />
    </Stack>
  );
}

/** The ledger has no row of it: somebody else wrote the entry, or its mailbox is gone. */
function WithoutMessage({ letter }: { readonly letter: DeadLetterDetail }): ReactElement {
  return (
    <>
      <Title order={2} size="h4">
        {letter.subject ?? letter.code}
      </Title>
      <Alert color="red" title={texts.messages.noTicketTitle}>
        <Stack gap="sm" align="flex-start">
          <Text size="sm">{said(letter.statusText)}</Text>
          {letter.state === 'open' && <ReplayButton eventIds={[letter.eventId]} />}
        </Stack>
      </Alert>
    </>
  );
}

function Attempts({ letter }: { readonly letter: DeadLetterDetail }): ReactElement {
  const { history, entry } = letter;
  return (
    <Accordion variant="contained" multiple>
      <Accordion.Item value="history">
        <Accordion.Control>{texts.deadLetters.history}</Accordion.Control>
        <Accordion.Panel>
          <Stack gap="xs">
            {history.map(({ attempt, at, code, detail }) => (
              <Text key={attempt} size="sm" className="mail-text">
                {attempt}. {dateTime(at)} · {code}: {said(detail)}
              </Text>
            ))}
            <Text size="sm" className="mail-text">
              {letter.code}: {said(letter.detail)}
            </Text>
          </Stack>
        </Accordion.Panel>
      </Accordion.Item>
      {entry !== null && (
        <Accordion.Item value="entry">
          <Accordion.Control>{texts.deadLetters.entry}</Accordion.Control>
          <Accordion.Panel>
            <pre className="values">{entry.map(({ name, value }) => `${name}: ${value}`).join('\n')}</pre>
          </Accordion.Panel>
        </Accordion.Item>
      )}
    </Accordion>
  );
}
