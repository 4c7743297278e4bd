import { Button, CopyButton, Group, Modal, Stack, Text, TextInput } from '@mantine/core';
import type { ReactElement } from 'react';
import { texts } from '../texts.ts';

/** Shows a secret the one time that it can be shown. */
export function SecretModal(props: {
  readonly title: string;
  readonly text: string;
  readonly label: string;
  /** Null while there is none. */
  readonly secret: string | null;
  readonly note?: string;
  readonly onClose: () => void;
}): ReactElement {
  const { secret } = props;
  return (
    <Modal opened={secret !== null} onClose={props.onClose} title={props.title} centered size="lg">
      <Stack>
        <Text size="sm">{props.text}</Text>
        <Group align="flex-end" wrap="nowrap">
          <TextInput
            flex={1}
            label={props.label}
            value={secret ?? ''}
            readOnly
            ff="monospace"
            onFocus={(event) => event.currentTarget.select()}
          />
          <CopyButton value={secret ?? ''}>
            {({ copied, copy }) => (
              <Button color={copied ? 'teal' : 'indigo'} onClick={copy}>
                {copied ? texts.users.copied : texts.users.copy}
              </Button>
            )}
          </CopyButton>
        </Group>
        {props.note !== undefined && (
          <Text size="sm" c="dimmed">
            {props.note}
          </Text>
        )}
      </Stack>
    </Modal>
  );
}
