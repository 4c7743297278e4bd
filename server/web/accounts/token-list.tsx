import { Button, Stack, Table, Text } from '@mantine/core';
import { useState, type ReactElement } from 'react';
import type { AccountToken, NewToken } from '../../src/contracts/tokens.ts';
import { Age } from '../age.tsx';
import { request } from '../api.ts';
import { ConfirmModal } from '../confirm-modal.tsx';
import { EmptyNote } from '../empty-note.tsx';
import { FailureAlert } from '../failure-alert.tsx';
import { dateTime } from '../format.ts';
import { ListSkeleton } from '../list-skeleton.tsx';
import { useMay } from '../me.ts';
import { showDone, showFailure } from '../notify.ts';
import { PageTitle } from '../page-title.tsx';
import { useTokens } from '../queries.ts';
import { SecretModal } from './secret-modal.tsx';
import { StateBadge } from '../state-badge.tsx';
import { TableFrame } from '../table-frame.tsx';
import { texts } from '../texts.ts';
import { TokenForm } from './token-form.tsx';
import { useAction } from '../use-action.ts';

export function TokenList(): ReactElement {
  const tokens = useTokens();
  const [isAdding, setIsAdding] = useState(false);
  const [made, setMade] = useState<NewToken | null>(null);
  const mayWrite = useMay('accounts:write');
  const add = mayWrite && <Button onClick={() => setIsAdding(true)}>{texts.tokens.add}</Button>;
  return (
    <Stack maw={1100}>
      <PageTitle title={texts.tokens.title} intro={texts.tokens.intro}>
        {add}
      </PageTitle>
      {tokens.data === undefined ? (
        tokens.isPending ? (
          <ListSkeleton />
        ) : (
          <FailureAlert failure={tokens.error} onRetry={() => void tokens.refetch()} />
        )
      ) : tokens.data.items.length === 0 ? (
        <EmptyNote title={texts.tokens.none} hint={texts.tokens.noneHint} action={add} />
      ) : (
        <TokenTable tokens={tokens.data.items} />
      )}
      <TokenForm
        isOpen={isAdding}
        onClose={() => setIsAdding(false)}
        onMade={(token) => {
          setIsAdding(false);
          setMade(token);
        }}
      />
      <SecretModal
        title={texts.tokens.secretTitle}
        text={texts.tokens.secretText}
        label={made?.token.name ?? ''}
        secret={made?.secret ?? null}
        onClose={() => setMade(null)}
      />
    </Stack>
  );
}

function TokenTable({ tokens }: { readonly tokens: readonly AccountToken[] }): ReactElement {
  const [asking, setAsking] = useState<AccountToken | null>(null);
  const revoke = useAction(
    ({ id }: AccountToken) => request('DELETE', `/api/tokens/${id}`),
    ['tokens', 'audit'],
  );
  const mayWrite = useMay('accounts:write');
  return (
    <>
      <TableFrame
        minWidth={760}
        columns={[
          { label: texts.tokens.name },
          { label: texts.tokens.scopes },
          { label: texts.users.state },
          { label: texts.tokens.lastUsed },
          { label: texts.tokens.expires },
          { label: texts.users.actions, isHeadless: true, w: 110 },
        ]}
      >
        {tokens.map((token) => (
          <Table.Tr key={token.id}>
            <Table.Td>
              <Text size="sm" fw={500}>
                {token.name}
              </Text>
              {token.createdBy !== null && (
                <Text size="xs" c="dimmed">
                  {texts.tokens.madeBy} {token.createdBy}
                </Text>
              )}
            </Table.Td>
            <Table.Td>
              <Text size="xs">{token.scopes.map((scope) => texts.tokens.scopeNames[scope]).join(', ')}</Text>
            </Table.Td>
            <Table.Td>
              <StateBadge
                color={{ active: 'teal', expired: 'gray', revoked: 'gray' }[token.state]}
                label={texts.tokens.states[token.state]}
              />
            </Table.Td>
            <Table.Td>
              <Age at={token.lastUsedAt} size="sm" c="dimmed" />
            </Table.Td>
            <Table.Td>
              <Text size="sm" c="dimmed">
                {token.expiresAt === null ? texts.tokens.never : dateTime(token.expiresAt)}
              </Text>
            </Table.Td>
            <Table.Td>
              {mayWrite && token.state === 'active' && (
                <Button
                  size="compact-sm"
                  variant="subtle"
                  color="red"
                  aria-label={`${texts.tokens.revoke}: ${token.name}`}
                  onClick={() => setAsking(token)}
                >
                  {texts.tokens.revoke}
                </Button>
              )}
            </Table.Td>
          </Table.Tr>
        ))}
      </TableFrame>
      <ConfirmModal
        isOpen={asking !== null}
        title={texts.tokens.revokeTitle(asking?.name ?? '')}
        text={texts.tokens.revokeText}
        confirm={texts.tokens.revoke}
        isBusy={revoke.isPending}
        onClose={() => setAsking(null)}
        onConfirm={() => {
          if (asking === null) return;
          revoke.mutate(asking, {
            onSuccess: () => showDone(texts.tokens.revoked(asking.name)),
            onError: showFailure,
            onSettled: () => setAsking(null),
          });
        }}
      />
    </>
  );
}
