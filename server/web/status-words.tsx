import { Box, Text } from '@mantine/core';
import type { ReactElement } from 'react';
import type { Provider } from '../src/contracts/providers.ts';
import { said } from './texts.ts';

/** The state as a sentence, and what to do where a person is needed. */
export function StatusWords({ provider }: { readonly provider: Provider }): ReactElement {
  const isTrouble = provider.state === 'error' || provider.state === 'disconnected';
  return (
    <Box>
      <Text size="sm">{said(provider.statusText)}</Text>
      {isTrouble && provider.errorHint !== null && (
        <Text size="sm" c="dimmed">
          {said(provider.errorHint)}
        </Text>
      )}
    </Box>
  );
}
