import { Button, Group, Select, SimpleGrid, Stack, TextInput } from '@mantine/core';
import { useDebouncedValue } from '@mantine/hooks';
import { useState, type ReactElement } from 'react';
import { Link } from 'wouter';
import type { ProviderState } from '../src/contracts/providers.ts';
import { SearchIcon } from './icons.tsx';
import { MailboxCard } from './mailbox-card.tsx';
import { useMay } from './me.ts';
import { PagedList } from './paged-list.tsx';
import { PageTitle } from './page-title.tsx';
import { useProviders } from './queries.ts';
import { texts } from './texts.ts';

const STATES: readonly ProviderState[] = [
  'connected',
  'configuring',
  'disconnected',
  'error',
  'paused',
  'inactive',
];

export function MailboxList(): ReactElement {
  const [search, setSearch] = useState('');
  const [status, setStatus] = useState<string | null>(null);
  const [sought] = useDebouncedValue(search.trim(), 250);
  const pages = useProviders({ search: sought, status });
  const mayWrite = useMay('providers:write');
  const add = mayWrite && (
    <Button component={Link} href="/mailboxes/new">
      {texts.mailboxes.add}
    </Button>
  );
  return (
    <Stack maw={1100}>
      <PageTitle title={texts.mailboxes.title}>{add}</PageTitle>
      <Group>
        <TextInput
          flex={1}
          miw={220}
          leftSection={<SearchIcon />}
          placeholder={texts.mailboxes.search}
          aria-label={texts.mailboxes.search}
          value={search}
          onChange={(event) => setSearch(event.currentTarget.value)}
        />
        <Select
          placeholder={texts.mailboxes.anyState}
          aria-label={texts.mailboxes.anyState}
          data={STATES.map((state) => ({ value: state, label: texts.states[state] }))}
          value={status}
          onChange={setStatus}
          clearable
          w={180}
        />
      </Group>
      <PagedList
        pages={pages}
        isFiltered={sought !== '' || status !== null}
        empty={{ title: texts.mailboxes.none, hint: texts.mailboxes.noneHint, action: add }}
        noMatch={texts.mailboxes.noMatch}
        onClearFilter={() => {
          setSearch('');
          setStatus(null);
        }}
      >
        {(providers) => (
          <SimpleGrid cols={{ base: 1, lg: 2 }}>
            {providers.map((provider) => (
              <MailboxCard key={provider.id} provider={provider} />
            ))}
          </SimpleGrid>
        )}
      </PagedList>
    </Stack>
  );
}
