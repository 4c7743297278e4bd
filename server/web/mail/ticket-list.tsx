import type { ReactElement } from 'react';
import type { TicketStatus } from '../../src/contracts/tickets.ts';
import { ChoiceField, choicesOf, SearchField } from '../filter-fields.tsx';
import { ListPage } from '../paged-list.tsx';
import { useTickets } from '../queries.ts';
import { texts } from '../texts.ts';
import { useFilter } from '../use-filter.ts';
import { TicketTable } from './ticket-table.tsx';

const STATES: readonly TicketStatus[] = ['open', 'pending', 'needs_attention', 'closed'];
const NO_FILTER = { search: '', status: null as string | null };

export function TicketList(): ReactElement {
  const filter = useFilter(NO_FILTER);
  const pages = useTickets(filter.sought);
  return (
    <ListPage
      title={texts.tickets.title}
      pages={pages}
      filter={{ isUsed: filter.isUsed, noMatch: texts.tickets.noMatch, onClear: filter.clear }}
      empty={{ title: texts.tickets.none, hint: texts.tickets.noneHint }}
      fields={
        <>
          <SearchField
            label={texts.tickets.search}
            value={filter.values.search}
            onChange={(search) => filter.set({ search })}
          />
          <ChoiceField
            label={texts.tickets.anyState}
            any={texts.tickets.anyState}
            choices={choicesOf(STATES, texts.tickets.states)}
            value={filter.values.status}
            onChange={(status) => filter.set({ status })}
          />
        </>
      }
    >
      {(tickets) => <TicketTable tickets={tickets} />}
    </ListPage>
  );
}
