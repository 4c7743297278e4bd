import { ActionIcon, Button, Group, Menu, Paper, Stack, Table, Text, TextInput } from '@mantine/core';
import { useDebouncedValue } from '@mantine/hooks';
import { use, useState, type ReactElement } from 'react';
import type { AccountUser, PasswordLink, Role, UserPatch } from '../../src/contracts/users.ts';
import { Age } from '../age.tsx';
import { request } from '../api.ts';
import { ConfirmModal } from '../confirm-modal.tsx';
import { dateTime } from '../format.ts';
import { DotsIcon, SearchIcon } from '../icons.tsx';
import { MeContext, useMay } from '../me.ts';
import { showDone, showFailure } from '../notify.ts';
import { PagedList } from '../paged-list.tsx';
import { PageTitle } from '../page-title.tsx';
import { useUsers } from '../queries.ts';
import { SecretModal } from './secret-modal.tsx';
import { StateBadge } from '../state-badge.tsx';
import { texts } from '../texts.ts';
import { useAction } from '../use-action.ts';
import { UserInvite } from './user-invite.tsx';

/** A link that was just made, and for whom. */
interface ShownLink {
  readonly name: string;
  readonly link: PasswordLink;
}

export function UserList(): ReactElement {
  const [search, setSearch] = useState('');
  const [sought] = useDebouncedValue(search.trim(), 250);
  const [shown, setShown] = useState<ShownLink | null>(null);
  const [isInviting, setIsInviting] = useState(false);
  const pages = useUsers({ search: sought });
  const mayWrite = useMay('accounts:write');
  const invite = mayWrite && <Button onClick={() => setIsInviting(true)}>{texts.users.invite}</Button>;
  return (
    <Stack maw={1100}>
      <PageTitle title={texts.users.title}>{invite}</PageTitle>
      <TextInput
        leftSection={<SearchIcon />}
        placeholder={texts.users.search}
        aria-label={texts.users.search}
        value={search}
        onChange={(event) => setSearch(event.currentTarget.value)}
      />
      <PagedList
        pages={pages}
        isFiltered={sought !== ''}
        empty={{ title: texts.users.none, hint: texts.users.noneHint, action: invite }}
        noMatch={texts.users.noMatch}
        onClearFilter={() => setSearch('')}
      >
        {(users) => <UserTable users={users} onLink={setShown} />}
      </PagedList>
      <UserInvite
        isOpen={isInviting}
        onClose={() => setIsInviting(false)}
        onInvited={({ user, link }) => {
          setIsInviting(false);
          setShown({ name: user.displayName, link });
        }}
      />
      <SecretModal
        title={texts.users.linkTitle}
        text={texts.users.linkText(shown?.name ?? '')}
        label={texts.users.linkLabel}
        secret={shown === null ? null : `${location.origin}/password#${shown.link.token}`}
        note={texts.users.linkUntil(shown === null ? '' : dateTime(shown.link.expiresAt))}
        onClose={() => setShown(null)}
      />
    </Stack>
  );
}

function UserTable(props: {
  readonly users: readonly AccountUser[];
  readonly onLink: (shown: ShownLink) => void;
}): ReactElement {
  const me = use(MeContext);
  return (
    <Paper withBorder>
      <Table.ScrollContainer minWidth={640}>
        <Table verticalSpacing="sm" horizontalSpacing="md">
          <Table.Thead>
            <Table.Tr>
              <Table.Th>{texts.users.name}</Table.Th>
              <Table.Th>{texts.users.role}</Table.Th>
              <Table.Th>{texts.users.state}</Table.Th>
              <Table.Th>{texts.users.lastSeen}</Table.Th>
              <Table.Th w={60} aria-label={texts.users.actions} />
            </Table.Tr>
          </Table.Thead>
          <Table.Tbody>
            {props.users.map((user) => (
              <Table.Tr key={user.id}>
                <Table.Td>
                  <Text size="sm" fw={500}>
                    {user.displayName}{' '}
                    {user.id === me?.id && (
                      <Text span c="dimmed" size="sm">
                        ({texts.users.you})
                      </Text>
                    )}
                  </Text>
                  <Text size="xs" c="dimmed">
                    {user.email}
                  </Text>
                </Table.Td>
                <Table.Td>
                  <Text size="sm">{texts.users.roles[user.role]}</Text>
                </Table.Td>
                <Table.Td>
                  <StateBadge
                    color={{ active: 'teal', invited: 'blue', disabled: 'gray' }[user.state]}
                    label={texts.users.states[user.state]}
                  />
                </Table.Td>
                <Table.Td>
                  <Age at={user.lastSeenAt} size="sm" c="dimmed" />
                </Table.Td>
                <Table.Td>
                  <UserMenu user={user} onLink={props.onLink} />
                </Table.Td>
              </Table.Tr>
            ))}
          </Table.Tbody>
        </Table>
      </Table.ScrollContainer>
    </Paper>
  );
}

function UserMenu(props: {
  readonly user: AccountUser;
  readonly onLink: (shown: ShownLink) => void;
}): ReactElement | null {
  const { user, onLink } = props;
  const [isAsking, setIsAsking] = useState(false);
  const path = `/api/users/${user.id}`;
  const change = useAction(
    (patch: UserPatch) => request<AccountUser>('PATCH', path, patch),
    ['users', 'audit'],
  );
  const link = useAction(() => request<PasswordLink>('POST', `${path}/password-link`), ['audit']);
  const isOperator = useMay('operator');
  const mayWrite = useMay('accounts:write');
  if (!mayWrite || (user.role === 'operator' && !isOperator)) return null;
  const patch = (values: UserPatch): void =>
    change.mutate(values, {
      onSuccess: ({ displayName }) => showDone(texts.users.saved(displayName)),
      onError: showFailure,
      onSettled: () => setIsAsking(false),
    });
  const roles = (['viewer', 'admin', 'operator'] as const satisfies readonly Role[]).filter(
    (role) => role !== user.role && (role !== 'operator' || isOperator),
  );
  return (
    <Group justify="flex-end">
      <Menu position="bottom-end" withinPortal>
        <Menu.Target>
          <ActionIcon
            variant="subtle"
            color="gray"
            loading={change.isPending || link.isPending}
            aria-label={`${texts.users.actions}: ${user.displayName}`}
          >
            <DotsIcon />
          </ActionIcon>
        </Menu.Target>
        <Menu.Dropdown>
          {roles.map((role) => (
            <Menu.Item key={role} onClick={() => patch({ role })}>
              {texts.users.changeRole(texts.users.roles[role])}
            </Menu.Item>
          ))}
          {user.state !== 'disabled' && (
            <Menu.Item
              onClick={() =>
                link.mutate(undefined, {
                  onSuccess: (made) => onLink({ name: user.displayName, link: made }),
                  onError: showFailure,
                })
              }
            >
              {texts.users.resetPassword}
            </Menu.Item>
          )}
          <Menu.Divider />
          {user.state === 'disabled' ? (
            <Menu.Item onClick={() => patch({ isDisabled: false })}>{texts.users.enable}</Menu.Item>
          ) : (
            <Menu.Item color="red" onClick={() => setIsAsking(true)}>
              {texts.users.disable}
            </Menu.Item>
          )}
        </Menu.Dropdown>
      </Menu>
      <ConfirmModal
        isOpen={isAsking}
        title={texts.users.disableTitle(user.displayName)}
        text={texts.users.disableText}
        confirm={texts.users.disable}
        isBusy={change.isPending}
        onClose={() => setIsAsking(false)}
        onConfirm={() => patch({ isDisabled: true })}
      />
    </Group>
  );
}
