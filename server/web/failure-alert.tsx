import { Alert, Button, Stack, Text } from '@mantine/core';
import type { ReactElement } from 'react';
import type { ApiFailure } from './api.ts';
import { texts } from './texts.ts';

/** What went wrong and what to do about it, in the server's words. */
export function FailureAlert(props: {
  readonly failure: Pick<ApiFailure, 'message' | 'hint'>;
  readonly onRetry?: () => void;
}): ReactElement {
  const { failure, onRetry } = props;
  return (
    <Alert color="red" title={failure.message} role="alert">
      <Stack gap="sm" align="flex-start">
        <Text size="sm">{failure.hint}</Text>
        {onRetry !== undefined && (
          <Button size="xs" variant="light" color="red" onClick={onRetry}>
            {texts.common.retry}
          </Button>
        )}
      </Stack>
    </Alert>
  );
}
