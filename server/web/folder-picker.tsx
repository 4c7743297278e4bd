import { Checkbox, Fieldset, Group, ScrollArea, Stack, Text, TextInput } from '@mantine/core';
import { useState, type ReactElement } from 'react';
import type { MailFolder } from '../src/contracts/provider-test.ts';
import { SearchIcon } from './icons.tsx';
import { texts } from './texts.ts';

/** From here on a list needs a search. */
const MANY = 12;

/** Folders as the mail server lists them, with how many messages are in each. None chosen means INBOX. */
export function FolderPicker(props: {
  readonly folders: readonly MailFolder[];
  readonly isCut: boolean;
  readonly chosen: readonly string[];
  readonly onChange: (names: string[]) => void;
}): ReactElement {
  const { folders, isCut, onChange } = props;
  const [sought, setSought] = useState('');
  const chosen = props.chosen.length === 0 ? ['INBOX'] : props.chosen;
  const listed = folders.filter(({ isSelectable }) => isSelectable);
  // What is chosen stays to be seen, also where the server does not have it (any more).
  const all = [
    ...listed.map(({ name, messages }) => ({ name, messages })),
    ...chosen
      .filter((one) => !listed.some(({ name }) => isSame(one, name)))
      .map((name) => ({ name, messages: null })),
  ];
  const shown = all.filter(({ name }) => name.toLowerCase().includes(sought.trim().toLowerCase()));
  return (
    <Fieldset variant="unstyled" legend={texts.connect.pickFolders}>
      <Stack gap="xs" mt={4}>
        {all.length > MANY && (
          <TextInput
            leftSection={<SearchIcon />}
            placeholder={texts.connect.searchFolders}
            aria-label={texts.connect.searchFolders}
            value={sought}
            onChange={(event) => setSought(event.currentTarget.value)}
          />
        )}
        <ScrollArea.Autosize mah={280} type="auto">
          <Stack gap={6} p={2}>
            {shown.map(({ name, messages }) => (
              <Group key={name} justify="space-between" wrap="nowrap" gap="sm">
                <Checkbox
                  label={name}
                  checked={chosen.some((one) => isSame(one, name))}
                  onChange={(event) =>
                    onChange(
                      event.currentTarget.checked
                        ? [...chosen, name]
                        : chosen.filter((one) => !isSame(one, name)),
                    )
                  }
                />
                {messages !== null && (
                  <Text size="xs" c="dimmed" style={{ whiteSpace: 'nowrap' }}>
                    {texts.connect.messages(messages)}
                  </Text>
                )}
              </Group>
            ))}
          </Stack>
        </ScrollArea.Autosize>
        {isCut && (
          <Text size="xs" c="dimmed">
            {texts.connect.foldersCut}
          </Text>
        )}
      </Stack>
    </Fieldset>
  );
}

/** INBOX has no case (RFC 9051 section 5.1). */
function isSame(one: string, other: string): boolean {
  return one === other || (one.toUpperCase() === 'INBOX' && other.toUpperCase() === 'INBOX');
}
