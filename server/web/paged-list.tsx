/** What every list does: wait, fail, be empty, be empty because of a filter, show rows, show more. */
import { Button, Center, Group, Stack } from '@mantine/core';
import type { ReactElement, ReactNode } from 'react';
import { EmptyNote } from './empty-note.tsx';
import { FailureAlert } from './failure-alert.tsx';
import { ListSkeleton } from './list-skeleton.tsx';
import { PageTitle } from './page-title.tsx';
import type { Pages } from './queries.ts';
import { texts } from './texts.ts';

interface ListProps<Item> {
  readonly pages: Pages<Item>;
  readonly empty: { readonly title: string; readonly hint: string; readonly action?: ReactNode };
  readonly children: (items: readonly Item[]) => ReactNode;
  /** Of a list that can be filtered. */
  readonly filter?: { readonly isUsed: boolean; readonly noMatch: string; readonly onClear: () => void };
}

/** A page that is a list: its head, the fields of its filter, its rows, and whatever opens beside them. */
export function ListPage<Item>(
  props: ListProps<Item> & {
    readonly title: string;
    readonly intro?: string;
    readonly actions?: ReactNode;
    readonly fields: ReactNode;
    readonly beside?: ReactNode;
  },
): ReactElement {
  const { title, intro, actions, fields, beside, ...list } = props;
  return (
    <Stack maw={1200}>
      <PageTitle title={title} {...(intro === undefined ? {} : { intro })}>
        {actions}
      </PageTitle>
      <Group align="flex-end">{fields}</Group>
      <PagedList {...list} />
      {beside}
    </Stack>
  );
}

export function PagedList<Item>({ pages, empty, filter, children }: ListProps<Item>): ReactElement {
  if (pages.data === undefined)
    return pages.isPending ? (
      <ListSkeleton />
    ) : (
      <FailureAlert failure={pages.error} onRetry={() => void pages.refetch()} />
    );
  const items = pages.data.pages.flatMap((page) => page.items);
  return (
    <Stack>
      {/* Old rows stay on screen while the server is away, but not without saying so. */}
      {pages.error !== null && <FailureAlert failure={pages.error} />}
      {items.length > 0 ? (
        children(items)
      ) : filter?.isUsed === true ? (
        <EmptyNote
          title={filter.noMatch}
          action={
            <Button variant="light" onClick={filter.onClear}>
              {texts.mailboxes.clearFilter}
            </Button>
          }
        />
      ) : (
        <EmptyNote {...empty} />
      )}
      {pages.hasNextPage && (
        <Center>
          <Button
            variant="default"
            loading={pages.isFetchingNextPage}
            onClick={() => void pages.fetchNextPage()}
          >
            {texts.common.more}
          </Button>
        </Center>
      )}
    </Stack>
  );
}
