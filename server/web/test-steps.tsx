import { Group, Paper, Stack, Text, ThemeIcon } from '@mantine/core';
import type { ReactElement } from 'react';
import type { TestResult, TestStep } from '../src/contracts/provider-test.ts';
import { CheckIcon, CrossIcon, DashIcon } from './icons.tsx';
import { said, texts } from './texts.ts';

const LOOK = {
  ok: { color: 'teal', icon: <CheckIcon /> },
  failed: { color: 'red', icon: <CrossIcon /> },
  skipped: { color: 'gray', icon: <DashIcon /> },
} as const;

/** Each step of a connection test, the failed one with its reason and what to do. */
export function TestSteps({ result }: { readonly result: TestResult }): ReactElement {
  return (
    <Paper withBorder p="md" component="output" display="block">
      <Stack gap="xs">
        <Text fw={600} c={result.ok ? 'teal' : 'red'}>
          {result.ok ? texts.test.ok : texts.test.failed}
        </Text>
        {result.steps.map((step) => (
          <Step key={step.name} step={step} />
        ))}
      </Stack>
    </Paper>
  );
}

function Step({ step }: { readonly step: TestStep }): ReactElement {
  const { color, icon } = LOOK[step.outcome];
  return (
    <Group wrap="nowrap" align="flex-start" gap="sm">
      <ThemeIcon
        size="sm"
        radius="xl"
        color={color}
        variant={step.outcome === 'skipped' ? 'light' : 'filled'}
      >
        {icon}
      </ThemeIcon>
      <div>
        <Text size="sm" fw={500}>
          {texts.test.steps[step.name]}
          {step.outcome === 'ok' && (
            <Text span size="xs" c="dimmed" fw={400}>
              {' '}
              {texts.test.milliseconds(step.durationMs)}
            </Text>
          )}
        </Text>
        <Text size="sm" {...(step.outcome === 'failed' ? {} : { c: 'dimmed' })}>
          {said(step.message)}
        </Text>
        {step.hint !== null && (
          <Text size="sm" c="dimmed">
            {said(step.hint)}
          </Text>
        )}
        {step.detail !== null && (
          <Text size="xs" c="dimmed" ff="monospace" className="mail-text">
            {step.detail}
          </Text>
        )}
      </div>
    </Group>
  );
}
