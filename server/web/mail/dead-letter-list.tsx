import { Button, Checkbox, Group, Table, Text, TextInput } from '@mantine/core';
import { useState, type ReactElement } from 'react';
import { Link } from 'wouter';
import type { DeadLetter, DeadLetterState } from '../../src/contracts/dead-letters.ts';
import { Age } from '../age.tsx';
import { ChoiceField, choicesOf } from '../filter-fields.tsx';
import { DiscardButton } from './discard-button.tsx';
import { LetterDrawer } from './letter-drawer.tsx';
import { useMay } from '../me.ts';
import { ListPage } from '../paged-list.tsx';
import { useDeadLetters } from '../queries.ts';
import { ReplayButton } from './replay-button.tsx';
import { LetterBadge } from '../state-badge.tsx';
import { TableFrame } from '../table-frame.tsx';
import { said, texts } from '../texts.ts';
import { useFilter } from '../use-filter.ts';

const STATES: readonly DeadLetterState[] = ['open', 'replaying', 'replayed', 'discarded'];
const NO_FILTER = { state: null as string | null, code: '' };

export function DeadLetterList(): ReactElement {
  const filter = useFilter(NO_FILTER);
  const [chosen, setChosen] = useState<ReadonlySet<string>>(new Set());
  const [openId, setOpenId] = useState<string | null>(null);
  const isOperator = useMay('operator');
  const { state, code } = filter.sought;
  const pages = useDeadLetters({ state, code: code.toUpperCase() });
  const hasOpen = pages.data?.pages.some(({ items }) => items.some((letter) => letter.state === 'open'));
  return (
    <ListPage
      title={texts.deadLetters.title}
      intro={texts.deadLetters.intro}
      actions={
        <>
          {isOperator && (
            <Button component={Link} href="/dead-letters/strays" variant="subtle">
              {texts.strays.link}
            </Button>
          )}
          {chosen.size === 0 && hasOpen === true && (
            <ReplayButton eventIds={null} label={texts.deadLetters.replayAll} variant="default" />
          )}
        </>
      }
      pages={pages}
      filter={{ isUsed: filter.isUsed, noMatch: texts.deadLetters.noMatch, onClear: filter.clear }}
      empty={{ title: texts.deadLetters.none, hint: texts.deadLetters.noneHint }}
      fields={
        <>
          <ChoiceField
            label={texts.deadLetters.anyState}
            any={texts.deadLetters.anyState}
            choices={[
              ...choicesOf(STATES, texts.deadLetters.states),
              { value: 'all', label: texts.deadLetters.all },
            ]}
            value={filter.values.state}
            onChange={(next) => filter.set({ state: next })}
            w={220}
          />
          <TextInput
            placeholder={texts.deadLetters.code}
            aria-label={texts.deadLetters.code}
            value={filter.values.code}
            onChange={(event) => filter.set({ code: event.currentTarget.value })}
          />
          {chosen.size > 0 && <ChosenActions chosen={[...chosen]} onClear={() => setChosen(new Set())} />}
        </>
      }
      beside={<LetterDrawer eventId={openId} onClose={() => setOpenId(null)} />}
    >
      {(letters) => <LetterTable letters={letters} chosen={chosen} onChoose={setChosen} onOpen={setOpenId} />}
    </ListPage>
  );
}

function ChosenActions(props: {
  readonly chosen: readonly string[];
  readonly onClear: () => void;
}): ReactElement {
  const { chosen, onClear } = props;
  return (
    <Group gap="sm">
      <Text size="sm">{texts.deadLetters.chosen(chosen.length)}</Text>
      <ReplayButton eventIds={chosen} onDone={onClear} />
      <DiscardButton eventIds={chosen} onDone={onClear} />
      <Button variant="subtle" onClick={onClear}>
        {texts.common.clear}
      </Button>
    </Group>
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
  const chooseAll = (
    <Checkbox
      aria-label={texts.deadLetters.chooseAll}
      checked={areAll}
      indeterminate={!areAll && open.some((id) => chosen.has(id))}
      disabled={open.length === 0}
      onChange={() => onChoose(new Set(areAll ? [] : open))}
    />
  );
  return (
    <TableFrame
      minWidth={320}
      isFixed
      columns={[
        { label: texts.deadLetters.chooseAll, head: chooseAll, w: 48 },
        { label: texts.messages.subject },
        { label: texts.deadLetters.reason, w: '40%', isWide: true },
        { label: texts.messages.state, w: 130 },
        { label: texts.deadLetters.lastAt, w: 150, isWide: true },
      ]}
    >
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
    </TableFrame>
  );
}

function subjectOf({ subject }: DeadLetter): string {
  return subject ?? texts.messages.noSubject;
}
