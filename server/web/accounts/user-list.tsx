import { Button, Group, Menu, Table, Text } from '@mantine/core';
import { use, useState, type ReactElement } from 'react';
import type { AccountUser, PasswordLink, Role, UserPatch } from '../../src/contracts/users.ts';
import { Age } from '../age.tsx';
import { ActionMenu } from '../action-menu.tsx';
import { request } from '../api.ts';
import { ConfirmModal } from '../confirm-modal.tsx';
import { dateTime } from '../format.ts';
import { SearchField } from '../filter-fields.tsx';
import { MeContext, useMay } from '../me.ts';
import { showDone, showFailure } from '../notify.ts';
import { ListPage } from '../paged-list.tsx';
import { useUsers } from '../queries.ts';
import { SecretModal } from './secret-modal.tsx';
import { StateBadge } from '../state-badge.tsx';
import { TableFrame } from '../table-frame.tsx';
import { texts } from '../texts.ts';
import { useAction } from '../use-action.ts';
import { useMenuTarget } from '../use-menu-target.ts';
import { useFilter } from '../use-filter.ts';
import { UserInvite } from './user-invite.tsx';

/** A link that was just made, and for whom. */
interface ShownLink {
  readonly name: string;
  readonly link: PasswordLink;
}

const NO_FILTER = { search: '' };

export function UserList(): ReactElement {
  const filter = useFilter(NO_FILTER);
  const [shown, setShown] = useState<ShownLink | null>(null);
  const [isInviting, setIsInviting] = useState(false);
  const pages = useUsers(filter.sought);
  const mayWrite = useMay('accounts:write');
  const invite = mayWrite && <Button onClick={() => setIsInviting(true)}>{texts.users.invite}</Button>;
  return (
    <ListPage
      title={texts.users.title}
      actions={invite}
      pages={pages}
      filter={{ isUsed: filter.isUsed, noMatch: texts.users.noMatch, onClear: filter.clear }}
      empty={{ title: texts.users.none, hint: texts.users.noneHint, action: invite }}
      fields={
        <SearchField
          label={texts.users.search}
          value={filter.values.search}
          onChange={(search) => filter.set({ search })}
        />
      }
      beside={
        <>
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
        </>
      }
    >
      {(users) => <UserTable users={users} onLink={setShown} />}
    </ListPage>
  );
}

function UserTable(props: {
  readonly users: readonly AccountUser[];
  readonly onLink: (shown: ShownLink) => void;
}): ReactElement {
  const me = use(MeContext);
  return (
    <TableFrame
      minWidth={640}
      columns={[
        { label: texts.users.name },
        { label: texts.users.role },
        { label: texts.users.state },
        { label: texts.users.lastSeen },
        { label: texts.users.actions, isHeadless: true, w: 60 },
      ]}
    >
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
    </TableFrame>
  );
}

function UserMenu(props: {
  readonly user: AccountUser;
  readonly onLink: (shown: ShownLink) => void;
}): ReactElement | null {
  const { user, onLink } = props;
  const { target, fromTarget } = useMenuTarget();
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
      <ActionMenu
        label={`${texts.users.actions}: ${user.displayName}`}
        isBusy={change.isPending || link.isPending}
        ref={target}
      >
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
          <Menu.Item color="red" onClick={fromTarget(() => setIsAsking(true))}>
            {texts.users.disable}
          </Menu.Item>
        )}
      </ActionMenu>
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
