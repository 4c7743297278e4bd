import { Paper, Skeleton, Stack, VisuallyHidden } from '@mantine/core';
import type { ReactElement } from 'react';
import { texts } from './texts.ts';

/** The shape of a list before it is there, so that nothing jumps when it comes. */
export function ListSkeleton({ rows = 6, height = 44 }: { rows?: number; height?: number }): ReactElement {
  return (
    <Paper withBorder p="md" aria-busy="true">
      <VisuallyHidden>{texts.common.loading}</VisuallyHidden>
      <Stack gap="sm">
        {Array.from({ length: rows }, (_, row) => (
          <Skeleton key={row} height={height} radius="sm" />
        ))}
      </Stack>
    </Paper>
  );
}
