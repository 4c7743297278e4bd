import { Group, Stack, Text, Title } from '@mantine/core';
import { useDocumentTitle } from '@mantine/hooks';
import type { ReactElement, ReactNode } from 'react';
import { texts } from './texts.ts';

/** The head of a page: its name, a sentence about it, and what can be done on it. */
export function PageTitle(props: {
  readonly title: string;
  readonly intro?: string;
  readonly children?: ReactNode;
}): ReactElement {
  useDocumentTitle(documentTitle(props.title));
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

/** What the browser calls a page, in tabs and in its history. */
export function documentTitle(title: string): string {
  return `${title} · ${texts.product}`;
}
