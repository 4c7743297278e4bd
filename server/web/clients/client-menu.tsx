import { Menu, Skeleton, Text } from '@mantine/core';
import { useState, type ReactElement } from 'react';
import type { Client } from '../../src/contracts/clients.ts';
import { ActionMenu } from '../action-menu.tsx';
import { request } from '../api.ts';
import { ConfirmModal } from '../confirm-modal.tsx';
import { useMay } from '../me.ts';
import { showDone, showFailure } from '../notify.ts';
import { useClient } from '../queries.ts';
import { texts } from '../texts.ts';
import { useAction } from '../use-action.ts';
import { useMenuTarget } from '../use-menu-target.ts';
import { ClientForm } from './client-form.tsx';

export function ClientMenu(props: {
  readonly client: Client;
  /** After it is deleted. */
  readonly onDeleted?: () => void;
}): ReactElement | null {
  const { client, onDeleted } = props;
  const [open, setOpen] = useState<'form' | 'delete' | null>(null);
  const { target } = useMenuTarget();
  const close = (): void => {
    setOpen(null);
    // A dialog that is made when it opens does not know what had the focus.
    target.current?.focus();
  };
  if (!useMay('tickets:write')) return null;
  return (
    <>
      <ActionMenu label={`${texts.clients.actions}: ${client.name}`} ref={target}>
        <Menu.Item onClick={() => setOpen('form')}>{texts.clients.edit}</Menu.Item>
        <Menu.Divider />
        <Menu.Item color="red" onClick={() => setOpen('delete')}>
          {texts.clients.delete}
        </Menu.Item>
      </ActionMenu>
      {open === 'form' && <ClientForm client={client} onClose={close} />}
      {open === 'delete' && (
        <DeleteClient client={client} onClose={close} {...(onDeleted === undefined ? {} : { onDeleted })} />
      )}
    </>
  );
}

/** One that has tickets stays; it can be switched off instead. */
function DeleteClient(props: {
  readonly client: Client;
  readonly onClose: () => void;
  readonly onDeleted?: () => void;
}): ReactElement {
  const { client, onClose, onDeleted } = props;
  const { id, name, domains, isActive } = client;
  const detail = useClient(id);
  const keys = ['clients', 'rules', 'audit'];
  const remove = useAction(() => request('DELETE', `/api/clients/${id}`), keys);
  const switchOff = useAction(
    () => request('PUT', `/api/clients/${id}`, { name, domains, isActive: false }),
    keys,
  );
  const stays = (detail.data?.ticketCount ?? 0) > 0;
  const action = stays ? switchOff : remove;
  return (
    <ConfirmModal
      isOpen
      title={texts.clients.deleteTitle(name)}
      confirm={stays ? texts.clients.switchOff : texts.clients.deleteConfirm}
      isBusy={action.isPending}
      isDisabled={detail.data === undefined || (stays && !isActive)}
      onClose={onClose}
      onConfirm={() =>
        action.mutate(undefined, {
          onSuccess: () => {
            showDone(stays ? texts.clients.saved(name) : texts.clients.deleted(name));
            onClose();
            if (!stays) onDeleted?.();
          },
          onError: (failure) => {
            showFailure(failure);
            onClose();
          },
        })
      }
    >
      {detail.data === undefined ? (
        <Skeleton h={22} />
      ) : (
        <Text size="sm">
          {stays
            ? texts.clients.staysText(detail.data.ticketCount)
            : texts.clients.deleteText(detail.data.contactCount)}
        </Text>
      )}
    </ConfirmModal>
  );
}
