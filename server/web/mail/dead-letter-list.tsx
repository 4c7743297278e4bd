import { Button, Checkbox, Group, Paper, Select, Stack, Table, Text, TextInput } from '@mantine/core';
import { useDebouncedValue } from '@mantine/hooks';
import { useState, type ReactElement } from 'react';
import type { DeadLetter, DeadLetterState } from '../../src/contracts/dead-letters.ts';
import { Age } from '../age.tsx';
import { DiscardButton } from './discard-button.tsx';
import { LetterDrawer } from './letter-drawer.tsx';
import { PagedList } from '../paged-list.tsx';
import { PageTitle } from '../page-title.tsx';
import { useDeadLetters } from '../queries.ts';
import { ReplayButton } from './replay-button.tsx';
import { LetterBadge } from '../state-badge.tsx';
import { said, texts } from '../texts.ts';

const STATES: readonly DeadLetterState[] = ['open', 'replaying', 'replayed', 'discarded'];

export function DeadLetterList(): ReactElement {
  const [state, setState] = useState<string | null>(null);
  const [code, setCode] = useState('');
  const [sought] = useDebouncedValue(code.trim().toUpperCase(), 250);
  const [chosen, setChosen] = useState<ReadonlySet<string>>(new Set());
  const [openId, setOpenId] = useState<string | null>(null);
  const pages = useDeadLetters({ state, code: sought });
  const clear = (): void => setChosen(new Set());
  const hasOpen = pages.data?.pages.some(({ items }) => items.some((letter) => letter.state === 'open'));
  return (
    <Stack maw={1200}>
      <PageTitle title={texts.deadLetters.title} intro={texts.deadLetters.intro}>
        {chosen.size === 0 && hasOpen === true && (
          <ReplayButton eventIds={null} label={texts.deadLetters.replayAll} variant="default" />
        )}
      </PageTitle>
      <Group>
        <Select
          placeholder={texts.deadLetters.anyState}
          aria-label={texts.deadLetters.anyState}
          data={[
            ...STATES.map((value) => ({ value, label: texts.deadLetters.states[value] })),
            { value: 'all', label: texts.deadLetters.all },
          ]}
          value={state}
          onChange={setState}
          clearable
          w={220}
        />
        <TextInput
          placeholder={texts.deadLetters.code}
          aria-label={texts.deadLetters.code}
          value={code}
          onChange={(event) => setCode(event.currentTarget.value)}
        />
        {chosen.size > 0 && (
          <Group gap="sm">
            <Text size="sm">{texts.deadLetters.chosen(chosen.size)}</Text>
            <ReplayButton eventIds={[...chosen]} onDone={clear} />
            <DiscardButton eventIds={[...chosen]} onDone={clear} />
            <Button variant="subtle" onClick={clear}>
              {texts.common.clear}
            </Button>
          </Group>
        )}
      </Group>
      <PagedList
        pages={pages}
        isFiltered={state !== null || sought !== ''}
        empty={{ title: texts.deadLetters.none, hint: texts.deadLetters.noneHint }}
        noMatch={texts.deadLetters.noMatch}
        onClearFilter={() => {
          setState(null);
          setCode('');
        }}
      >
        {(letters) => (
          <LetterTable letters={letters} chosen={chosen} onChoose={setChosen} onOpen={setOpenId} />
        )}
      </PagedList>
      <LetterDrawer eventId={openId} onClose={() => setOpenId(null)} />
    </Stack>
  );
}

function LetterTable(props: {
  readonly letters: readonly DeadLetter[];
  readonly chosen: ReadonlySet<string>;
  readonly onChoose: (chosen: ReadonlySet<string>) => void;
  readonly onOpen: (eventId: string) => void;
}): ReactElement {
  const { letters, chosen, onChoose, onOpen } = props;
  const open = letters.filter(({ state }) => state === 'open').map(({ eventId }) => eventId);
  const areAll = open.length > 0 && open.every((id) => chosen.has(id));
  const toggle = (id: string): void => {
    const next = new Set(chosen);
    if (!next.delete(id)) next.add(id);
    onChoose(next);
  };
  return (
    <Paper withBorder>
      <Table.ScrollContainer minWidth={320}>
        <Table verticalSpacing="sm" horizontalSpacing="md" layout="fixed">
          <Table.Thead>
            <Table.Tr>
              <Table.Th w={48}>
                <Checkbox
                  aria-label={texts.deadLetters.chooseAll}
                  checked={areAll}
                  indeterminate={!areAll && open.some((id) => chosen.has(id))}
                  disabled={open.length === 0}
                  onChange={() => onChoose(new Set(areAll ? [] : open))}
                />
              </Table.Th>
              <Table.Th>{texts.messages.subject}</Table.Th>
              <Table.Th w="40%" visibleFrom="sm">
                {texts.deadLetters.reason}
              </Table.Th>
              <Table.Th w={130}>{texts.messages.state}</Table.Th>
              <Table.Th w={150} visibleFrom="sm">
                {texts.deadLetters.lastAt}
              </Table.Th>
            </Table.Tr>
          </Table.Thead>
          <Table.Tbody>
            {letters.map((letter) => (
              <Table.Tr key={letter.eventId}>
                <Table.Td>
                  <Checkbox
                    aria-label={texts.deadLetters.choose(subjectOf(letter))}
                    checked={chosen.has(letter.eventId)}
                    disabled={letter.state !== 'open'}
                    onChange={() => toggle(letter.eventId)}
                  />
                </Table.Td>
                <Table.Td>
                  <button type="button" className="text-button cut" onClick={() => onOpen(letter.eventId)}>
                    {subjectOf(letter)}
                  </button>
                  <Text size="xs" c="dimmed" className="cut">
                    {letter.sender ?? texts.messages.noSender}
                  </Text>
                </Table.Td>
                <Table.Td visibleFrom="sm">
                  <Text size="sm">{said(letter.statusText)}</Text>
                  <Text size="xs" c="dimmed">
                    {letter.code} · {texts.deadLetters.attempts(letter.attempts)}
                  </Text>
                </Table.Td>
                <Table.Td>
                  <LetterBadge state={letter.state} />
                  {letter.discardReason !== null && (
                    <Text size="xs" c="dimmed">
                      {letter.discardReason}
                    </Text>
                  )}
                </Table.Td>
                <Table.Td visibleFrom="sm">
                  <Age at={letter.lastAt} size="sm" c="dimmed" className="cut" />
                </Table.Td>
              </Table.Tr>
            ))}
          </Table.Tbody>
        </Table>
      </Table.ScrollContainer>
    </Paper>
  );
}

function subjectOf({ subject }: DeadLetter): string {
  return subject ?? texts.messages.noSubject;
}
