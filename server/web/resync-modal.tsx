/** Fetching older mail: choose from where, count, then fetch. */
import { Button, Group, Modal, NumberInput, Select, Stack, Text, TextInput } from '@mantine/core';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useState, type ReactElement } from 'react';
import type { FolderStatus, Provider } from '../src/contracts/providers.ts';
import type { ResyncRequest } from '../src/contracts/resync.ts';
import { request, type ApiFailure } from './api.ts';
import { FailureAlert } from './failure-alert.tsx';
import { useProvider } from './queries.ts';
import { texts } from './texts.ts';
import { wordsOf } from './use-form-work.ts';

type From = 'last' | 'since' | 'everything';
const ALL = '';

export function ResyncModal(props: {
  readonly provider: Provider;
  readonly opened: boolean;
  readonly onClose: () => void;
}): ReactElement {
  const { provider, opened, onClose } = props;
  return (
    <Modal
      opened={opened}
      onClose={onClose}
      title={texts.resync.title(provider.providerName)}
      closeButtonProps={{ 'aria-label': texts.common.close }}
      centered
    >
      <Resync id={provider.id} />
    </Modal>
  );
}

function Resync({ id }: { readonly id: string }): ReactElement | null {
  const client = useQueryClient();
  const provider = useProvider(id).data;
  const [folder, setFolder] = useState(ALL);
  const [from, setFrom] = useState<From>('last');
  const [count, setCount] = useState<number | string>(100);
  const [date, setDate] = useState('');
  const ask = useMutation<ResyncRequest, ApiFailure, boolean>({
    mutationFn: (dryRun) =>
      request<ResyncRequest>('POST', `/api/email/providers/${id}/resync`, {
        ...(folder === ALL ? {} : { folders: [folder] }),
        startFrom: startFrom(from, count, date),
        dryRun,
      }),
    onSuccess: () => client.invalidateQueries({ queryKey: ['providers', 'one'] }),
  });
  if (provider === undefined) return null;
  const watched = provider.folders.filter(({ isWatched }) => isWatched);
  const outcome = ask.data === undefined ? null : outcomeOf(watched, ask.data);
  // Another choice is another question.
  const changed = <Value,>(set: (value: Value) => void) => {
    return (value: Value): void => {
      ask.reset();
      set(value);
    };
  };
  return (
    <Stack>
      <Text size="sm">{texts.resync.text}</Text>
      <Select
        label={texts.resync.folder}
        data={[{ value: ALL, label: texts.resync.allFolders }, ...watched.map(({ name }) => name)]}
        value={folder}
        onChange={(value) => changed(setFolder)(value ?? ALL)}
        allowDeselect={false}
      />
      <Select
        label={texts.resync.from}
        data={[
          { value: 'last', label: texts.resync.last },
          { value: 'since', label: texts.resync.since },
          { value: 'everything', label: texts.resync.everything },
        ]}
        value={from}
        onChange={(value) => changed(setFrom)(value as From)}
        allowDeselect={false}
      />
      {from === 'last' && (
        <NumberInput
          label={texts.form.startCount}
          min={1}
          max={100_000}
          allowDecimal={false}
          value={count}
          onChange={changed(setCount)}
        />
      )}
      {from === 'since' && (
        <TextInput
          type="date"
          label={texts.form.startDate}
          value={date}
          onChange={(event) => changed(setDate)(event.currentTarget.value)}
        />
      )}
      {ask.error !== null && <FailureAlert failure={wordsOf(ask.error)} />}
      <output>{outcome !== null && <Outcome outcome={outcome} />}</output>
      <Group justify="flex-end">
        <Button
          variant="default"
          loading={ask.isPending || (outcome?.isDryRun === true && outcome.isPending)}
          disabled={outcome?.isPending === true}
          onClick={() => ask.mutate(true)}
        >
          {texts.resync.count}
        </Button>
        {outcome?.isDryRun === true && !outcome.isPending && outcome.fetched > 0 && (
          <Button loading={ask.isPending} onClick={() => ask.mutate(false)}>
            {texts.resync.fetch(outcome.fetched)}
          </Button>
        )}
      </Group>
    </Stack>
  );
}

interface Counted {
  readonly isDryRun: boolean;
  readonly isPending: boolean;
  readonly listed: number;
  readonly fetched: number;
  readonly missing: number;
}

/** All asked folders together; pending until each has answered this request or a later one. */
function outcomeOf(folders: readonly FolderStatus[], asked: ResyncRequest): Counted {
  const answers = folders
    .filter(({ name }) => asked.folders.includes(name))
    .map(({ resync }) => (resync !== null && resync.version >= asked.version ? resync.result : null));
  const results = answers.filter((answer) => answer !== null);
  const sum = (of: (result: (typeof results)[number]) => number): number =>
    results.reduce((total, result) => total + of(result), 0);
  return {
    isDryRun: asked.isDryRun,
    isPending: results.length < answers.length || answers.length === 0,
    listed: sum(({ listed }) => listed),
    fetched: sum(({ fetched }) => fetched),
    missing: sum(({ missing }) => missing),
  };
}

function Outcome({ outcome }: { readonly outcome: Counted }): ReactElement {
  const { isDryRun, isPending, listed, fetched, missing } = outcome;
  if (isPending) return <Text size="sm">{isDryRun ? texts.resync.counting : texts.resync.fetching}</Text>;
  if (!isDryRun)
    return (
      <>
        <Text size="sm">{texts.resync.came(fetched)}</Text>
        {missing > 0 && <Text size="sm">{texts.resync.missing(missing)}</Text>}
      </>
    );
  return (
    <Text size="sm">{fetched === 0 ? texts.resync.nothing : texts.resync.wouldCome(fetched, listed)}</Text>
  );
}

function startFrom(from: From, count: number | string, date: string): Record<string, unknown> {
  if (from === 'last') return { kind: 'last', count: typeof count === 'number' ? count : undefined };
  // Before the first mail.
  return { kind: 'since', date: from === 'since' ? date : '1970-01-01' };
}
