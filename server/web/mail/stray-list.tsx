import { Anchor, Stack, Table, Text } from '@mantine/core';
import type { UseQueryResult } from '@tanstack/react-query';
import type { ReactElement } from 'react';
import { Link } from 'wouter';
import type { StrayLetter } from '../../src/contracts/dead-letters.ts';
import { Age } from '../age.tsx';
import type { ApiFailure } from '../api.ts';
import { EmptyNote } from '../empty-note.tsx';
import { FailureAlert } from '../failure-alert.tsx';
import { ListSkeleton } from '../list-skeleton.tsx';
import { PageTitle } from '../page-title.tsx';
import { useOne } from '../queries.ts';
import { TableFrame } from '../table-frame.tsx';
import { said, texts } from '../texts.ts';

const useStrays = (): UseQueryResult<{ readonly items: readonly StrayLetter[] }, ApiFailure> =>
  useOne('dead-letters', '/api/email/dead-letters/strays', true);

/** For operators: what was given up on without knowing whose it is. */
export function StrayList(): ReactElement {
  const strays = useStrays();
  return (
    <Stack maw={1200}>
      <Anchor component={Link} href="/dead-letters" size="sm">
        ← {texts.strays.back}
      </Anchor>
      <PageTitle title={texts.strays.title} intro={texts.strays.intro} />
      {strays.data === undefined ? (
        strays.isPending ? (
          <ListSkeleton />
        ) : (
          <FailureAlert failure={strays.error} onRetry={() => void strays.refetch()} />
        )
      ) : strays.data.items.length === 0 ? (
        <EmptyNote title={texts.strays.none} hint={texts.strays.noneHint} />
      ) : (
        <StrayTable letters={strays.data.items} />
      )}
    </Stack>
  );
}

function StrayTable({ letters }: { readonly letters: readonly StrayLetter[] }): ReactElement {
  return (
    <TableFrame
      minWidth={320}
      isFixed
      columns={[
        { label: texts.strays.reason },
        { label: texts.strays.entry, w: 210 },
        { label: texts.strays.at, w: 150, isWide: true },
      ]}
    >
      {letters.map((letter) => (
        <Table.Tr key={`${letter.stream} ${letter.entryId}`}>
          <Table.Td>
            <Text size="sm">{said(letter.text)}</Text>
            {letter.hint !== null && (
              <Text size="sm" c="dimmed">
                {said(letter.hint)}
              </Text>
            )}
            <Text size="xs" c="dimmed" className="wrap-anywhere">
              {letter.code}: {said(letter.detail)}
            </Text>
          </Table.Td>
          <Table.Td>
            <Text size="sm" ff="monospace" className="wrap-anywhere">
              {letter.entryId}
            </Text>
            <Text size="xs" c="dimmed" className="wrap-anywhere">
              {letter.stream}
            </Text>
            <Age at={letter.at} size="xs" c="dimmed" hiddenFrom="sm" />
          </Table.Td>
          <Table.Td visibleFrom="sm">
            <Age at={letter.at} size="sm" c="dimmed" className="cut" />
          </Table.Td>
        </Table.Tr>
      ))}
    </TableFrame>
  );
}
