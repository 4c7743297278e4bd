import { Paper, Stack, Text, Title } from '@mantine/core';
import type { ReactElement, ReactNode } from 'react';

/** In place of a list that has nothing to show: what is missing, and what to do about it. */
export function EmptyNote(props: {
  readonly title: string;
  readonly hint?: string;
  readonly children?: ReactNode;
  readonly action?: ReactNode;
}): ReactElement {
  return (
    <Paper withBorder p="xl">
      <Stack align="center" gap="xs" py="lg">
        <Title order={2} size="h4" ta="center">
          {props.title}
        </Title>
        {props.hint !== undefined && (
          <Text c="dimmed" ta="center" maw={640}>
            {props.hint}
          </Text>
        )}
        {props.children}
        {props.action}
      </Stack>
    </Paper>
  );
}
