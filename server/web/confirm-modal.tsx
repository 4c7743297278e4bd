import { Button, Group, Modal, Stack, Text } from '@mantine/core';
import type { ReactElement, ReactNode } from 'react';
import { texts } from './texts.ts';

/** Asks before something that a person may regret. */
export function ConfirmModal(props: {
  readonly isOpen: boolean;
  readonly title: string;
  readonly text?: string;
  readonly confirm: string;
  readonly isBusy: boolean;
  readonly isDisabled?: boolean;
  readonly color?: string;
  readonly onConfirm: () => void;
  readonly onClose: () => void;
  readonly children?: ReactNode;
}): ReactElement {
  return (
    <Modal opened={props.isOpen} onClose={props.onClose} title={props.title} centered>
      <Stack>
        {props.text !== undefined && <Text size="sm">{props.text}</Text>}
        {props.children}
        <Group justify="flex-end">
          <Button variant="default" onClick={props.onClose} data-autofocus>
            {texts.common.cancel}
          </Button>
          <Button
            color={props.color ?? 'red'}
            loading={props.isBusy}
            disabled={props.isDisabled ?? false}
            onClick={props.onConfirm}
          >
            {props.confirm}
          </Button>
        </Group>
      </Stack>
    </Modal>
  );
}
