import { Group, Stack, Text, Title } from '@mantine/core';
import type { ReactElement, ReactNode } from 'react';

/** The head of a page: its name, a sentence about it, and what can be done on it. */
export function PageTitle(props: {
  readonly title: string;
  readonly intro?: string;
  readonly children?: ReactNode;
}): ReactElement {
  return (
    <Group justify="space-between" align="flex-start">
      <Stack gap={2} flex={1} miw={200}>
        <Title order={1} size="h2">
          {props.title}
        </Title>
        {props.intro !== undefined && (
          <Text size="sm" c="dimmed">
            {props.intro}
          </Text>
        )}
      </Stack>
      <Group gap="sm">{props.children}</Group>
    </Group>
  );
}
