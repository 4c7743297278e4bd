import { Group, Paper, Skeleton, Stack, Text, ThemeIcon } from '@mantine/core';
import type { ReactElement, ReactNode } from 'react';
import type { TestResult, TestStep } from '../src/contracts/provider-test.ts';
import { CheckIcon, CrossIcon, DashIcon } from './icons.tsx';
import { locale, said, texts } from './texts.ts';

const LOOK = {
  ok: { color: 'teal', icon: <CheckIcon /> },
  failed: { color: 'red', icon: <CrossIcon /> },
  skipped: { color: 'gray', icon: <DashIcon /> },
} as const;

/** A connection test of a mailbox. */
export function TestSteps({ result }: { readonly result: TestResult }): ReactElement {
  return (
    <StepList isOk={result.ok} steps={result.steps}>
      <Facts result={result} />
    </StepList>
  );
}

/** The shape of a test before its answer is there. */
export function StepsSkeleton(): ReactElement {
  const names = Object.keys(texts.test.steps) as TestStep['name'][];
  return (
    <Paper withBorder p="md" component="output" display="block" aria-busy="true">
      <Stack gap="xs">
        <Text fw={600}>{texts.connect.testing}</Text>
        {names.map((name) => (
          <Group key={name} wrap="nowrap" align="flex-start" gap="sm">
            <Skeleton circle height={18} />
            <Stack gap={6} flex={1}>
              <Text size="sm" fw={500}>
                {texts.test.steps[name]}
              </Text>
              <Skeleton height={14} width="60%" />
            </Stack>
          </Group>
        ))}
      </Stack>
    </Paper>
  );
}

/** Each step of a connection test, the failed one with its reason and what to do. */
export function StepList(props: {
  readonly isOk: boolean;
  readonly steps: readonly TestStep[];
  readonly children?: ReactNode;
}): ReactElement {
  const { isOk, steps } = props;
  return (
    <Paper withBorder p="md" component="output" display="block">
      <Stack gap="xs">
        <Text fw={600} c={isOk ? 'teal' : 'red'}>
          {isOk ? texts.test.ok : texts.test.failed}
        </Text>
        {steps.map((step) => (
          <Step key={step.name} step={step} />
        ))}
        {props.children}
      </Stack>
    </Paper>
  );
}

/** What a person wants to know of a server that answered. */
function Facts({ result }: { readonly result: TestResult }): ReactElement | null {
  const { certificate } = result;
  if (certificate === null && !result.ok) return null;
  return (
    <Stack gap={2}>
      {certificate !== null && (
        <Text size="xs" c="dimmed">
          {texts.connect.certificate}:{' '}
          {texts.connect.certificateOf(certificate.subject, certificate.issuer, day(certificate.validTo))}
        </Text>
      )}
      {result.ok && (
        <Text size="xs" c="dimmed">
          {result.canIdle ? texts.connect.idle : texts.connect.noIdle}
        </Text>
      )}
    </Stack>
  );
}

function day(time: string): string {
  const at = new Date(time);
  return Number.isNaN(at.getTime()) ? time : at.toLocaleDateString(locale);
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
