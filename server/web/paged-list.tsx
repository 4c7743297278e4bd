/** What every list does: wait, fail, be empty, be empty because of a filter, show rows, show more. */
import { Button, Center, Paper, Stack, Text, Title } from '@mantine/core';
import type { ReactElement, ReactNode } from 'react';
import { FailureAlert } from './failure-alert.tsx';
import { ListSkeleton } from './list-skeleton.tsx';
import type { Pages } from './queries.ts';
import { texts } from './texts.ts';

export function PagedList<Item>(props: {
  readonly pages: Pages<Item>;
  readonly isFiltered: boolean;
  readonly empty: { readonly title: string; readonly hint: string; readonly action?: ReactNode };
  readonly noMatch: string;
  readonly onClearFilter: () => void;
  readonly children: (items: readonly Item[]) => ReactNode;
}): ReactElement {
  const { pages, isFiltered, empty, noMatch, onClearFilter, children } = props;
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
      ) : (
        <Paper withBorder p="xl">
          <Stack align="center" gap="xs" py="lg">
            <Title order={2} size="h4">
              {isFiltered ? noMatch : empty.title}
            </Title>
            {isFiltered ? (
              <Button variant="light" onClick={onClearFilter}>
                {texts.mailboxes.clearFilter}
              </Button>
            ) : (
              <>
                <Text c="dimmed" ta="center">
                  {empty.hint}
                </Text>
                {empty.action}
              </>
            )}
          </Stack>
        </Paper>
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
