import { Button, SimpleGrid } from '@mantine/core';
import type { ReactElement } from 'react';
import { Link } from 'wouter';
import type { ProviderState } from '../src/contracts/providers.ts';
import { ChoiceField, choicesOf, SearchField } from './filter-fields.tsx';
import { MailboxCard } from './mailbox-card.tsx';
import { useMay } from './me.ts';
import { ListPage } from './paged-list.tsx';
import { useProviders } from './queries.ts';
import { texts } from './texts.ts';
import { useFilter } from './use-filter.ts';

const STATES: readonly ProviderState[] = [
  'connected',
  'configuring',
  'disconnected',
  'error',
  'paused',
  'inactive',
];

const NO_FILTER = { search: '', status: null as string | null };

export function MailboxList(): ReactElement {
  const filter = useFilter(NO_FILTER);
  const pages = useProviders(filter.sought);
  const mayWrite = useMay('providers:write');
  const add = mayWrite && (
    <Button component={Link} href="/mailboxes/new">
      {texts.mailboxes.add}
    </Button>
  );
  return (
    <ListPage
      title={texts.mailboxes.title}
      actions={add}
      pages={pages}
      filter={{ isUsed: filter.isUsed, noMatch: texts.mailboxes.noMatch, onClear: filter.clear }}
      empty={{ title: texts.mailboxes.none, hint: texts.mailboxes.noneHint, action: add }}
      fields={
        <>
          <SearchField
            label={texts.mailboxes.search}
            value={filter.values.search}
            onChange={(search) => filter.set({ search })}
          />
          <ChoiceField
            label={texts.mailboxes.anyState}
            any={texts.mailboxes.anyState}
            choices={choicesOf(STATES, texts.states)}
            value={filter.values.status}
            onChange={(status) => filter.set({ status })}
          />
        </>
      }
    >
      {(providers) => (
        <SimpleGrid cols={{ base: 1, lg: 2 }}>
          {providers.map((provider) => (
            <MailboxCard key={provider.id} provider={provider} />
          ))}
        </SimpleGrid>
      )}
    </ListPage>
  );
}
