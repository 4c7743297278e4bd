import { Group, Paper, Stack, Text, VisuallyHidden } from '@mantine/core';
import type { ReactElement } from 'react';
import { texts } from '../texts.ts';

const WIDTH = 600;
const HEIGHT = 100;
const GAP = 2;

/** Bars over time, oldest first; null where there is no value. What it shows is also said in words. */
export function Chart(props: {
  readonly title: string;
  readonly note?: string;
  readonly values: readonly (number | null)[];
  readonly format: (value: number) => string;
}): ReactElement {
  const { title, note, values, format } = props;
  const numbers = values.filter((value) => value !== null);
  const max = Math.max(0, ...numbers);
  const last = numbers.at(-1);
  const step = WIDTH / Math.max(1, values.length);
  return (
    <Paper withBorder p="md">
      <Stack gap="xs">
        <Group justify="space-between" gap="xs">
          <Text size="sm" fw={600}>
            {title}
          </Text>
          <Text size="xs" c="dimmed">
            {last === undefined
              ? (note ?? '')
              : `${texts.operations.highest} ${format(max)}${note === undefined ? '' : ` ${note}`}`}
          </Text>
        </Group>
        {last === undefined ? (
          <Text size="sm" c="dimmed" h={120}>
            {texts.operations.noData}
          </Text>
        ) : (
          <>
            <VisuallyHidden>{texts.operations.chartSummary(title, format(max), format(last))}</VisuallyHidden>
            <svg
              className="chart"
              viewBox={`0 0 ${WIDTH} ${HEIGHT}`}
              preserveAspectRatio="none"
              aria-hidden="true"
            >
              <line x1="0" x2={WIDTH} y1={HEIGHT} y2={HEIGHT} stroke="currentColor" opacity="0.3" />
              {values.map((value, index) => {
                const height = ((value ?? 0) / (max === 0 ? 1 : max)) * (HEIGHT - 4);
                return (
                  <rect
                    key={index}
                    x={index * step + GAP / 2}
                    y={HEIGHT - height}
                    width={Math.max(1, step - GAP)}
                    height={height}
                    rx="1"
                    fill="var(--mantine-color-indigo-filled)"
                  />
                );
              })}
            </svg>
          </>
        )}
      </Stack>
    </Paper>
  );
}
