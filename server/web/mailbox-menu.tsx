import { Button, Group, Menu, Modal, Stack, Text } from '@mantine/core';
import { useDisclosure } from '@mantine/hooks';
import { notifications } from '@mantine/notifications';
import type { ReactElement } from 'react';
import { Link, useLocation } from 'wouter';
import type { Provider } from '../src/contracts/providers.ts';
import { ActionMenu } from './action-menu.tsx';
import { useMay } from './me.ts';
import { useProviderAction, type ProviderAction } from './queries.ts';
import { ResyncModal } from './resync-modal.tsx';
import { texts } from './texts.ts';
import { useMenuTarget } from './use-menu-target.ts';

const DONE: Record<ProviderAction, (name: string) => string> = {
  pause: texts.mailboxes.paused,
  resume: texts.mailboxes.resumed,
  reconnect: texts.mailboxes.reconnecting,
  audit: texts.mailboxes.auditing,
  delete: texts.mailboxes.deleted,
};

export function MailboxMenu({ provider }: { readonly provider: Provider }): ReactElement | null {
  const [isAsking, question] = useDisclosure(false);
  const [isOlderOpen, older] = useDisclosure(false);
  const { target, fromTarget } = useMenuTarget();
  const [, navigate] = useLocation();
  const action = useProviderAction(provider);
  const mayWrite = useMay('providers:write');
  if (!mayWrite) return null;

  const run = (what: ProviderAction): void =>
    action.mutate(what, {
      onSuccess: () => {
        notifications.show({ message: DONE[what](provider.providerName), color: 'teal' });
        if (what === 'delete') navigate('/mailboxes');
      },
      onError: (failure) =>
        notifications.show({ title: failure.message, message: failure.hint, color: 'red' }),
      onSettled: () => question.close(),
    });

  return (
    <>
      <ActionMenu
        label={`${texts.mailboxes.actions}: ${provider.providerName}`}
        isBusy={action.isPending}
        ref={target}
      >
        <Menu.Item component={Link} href={`/mailboxes/${provider.id}/edit`}>
          {texts.mailboxes.edit}
        </Menu.Item>
        <Menu.Item component={Link} href={`/mailboxes/${provider.id}/sending`}>
          {texts.sending.title}
        </Menu.Item>
        <Menu.Item component={Link} href={`/mailboxes/${provider.id}/ticket-defaults`}>
          {texts.ticketDefaults.action}
        </Menu.Item>
        {provider.pausedAt === null ? (
          <>
            <Menu.Item onClick={() => run('reconnect')}>{texts.mailboxes.reconnect}</Menu.Item>
            <Menu.Item onClick={fromTarget(older.open)}>{texts.resync.action}</Menu.Item>
            <Menu.Item onClick={() => run('pause')}>{texts.mailboxes.pause}</Menu.Item>
          </>
        ) : (
          <Menu.Item onClick={() => run('resume')}>{texts.mailboxes.resume}</Menu.Item>
        )}
        <Menu.Divider />
        <Menu.Item color="red" onClick={fromTarget(question.open)}>
          {texts.mailboxes.delete}
        </Menu.Item>
      </ActionMenu>
      <ResyncModal provider={provider} opened={isOlderOpen} onClose={older.close} />
      <Modal
        opened={isAsking}
        onClose={question.close}
        title={texts.mailboxes.deleteTitle(provider.providerName)}
        centered
      >
        <Stack>
          <Text size="sm">{texts.mailboxes.deleteText}</Text>
          <Group justify="flex-end">
            <Button variant="default" onClick={question.close} data-autofocus>
              {texts.common.cancel}
            </Button>
            <Button color="red" loading={action.isPending} onClick={() => run('delete')}>
              {texts.mailboxes.deleteConfirm}
            </Button>
          </Group>
        </Stack>
      </Modal>
    </>
  );
}
