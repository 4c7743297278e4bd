import { Text, Tooltip, type TextProps } from '@mantine/core';
import type { ReactElement } from 'react';
import { age, dateTime } from './format.ts';
import { texts } from './texts.ts';
import { useNow } from './use-now.ts';

/** How long ago; the exact time on pointing at it. */
export function Age({ at, ...props }: { readonly at: string | null } & TextProps): ReactElement {
  const now = useNow();
  if (at === null) return <Text {...props}>{texts.common.never}</Text>;
  return (
    <Tooltip label={dateTime(at)}>
      <Text component="time" dateTime={at} {...props}>
        {age(at, now)}
      </Text>
    </Tooltip>
  );
}
