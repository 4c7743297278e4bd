import { Text, Timeline } from '@mantine/core';
import type { ReactElement, ReactNode } from 'react';
import type { MessageDetail } from '../../src/contracts/messages.ts';
import { dateTime, duration } from '../format.ts';
import { said, texts } from '../texts.ts';

interface Step {
  readonly title: string;
  readonly at: string | null;
  readonly color?: string;
  readonly text?: ReactNode;
}

/** What happened to one message, in its order, up to where it is now. */
export function MessageTimeline({ message }: { readonly message: MessageDetail }): ReactElement {
  const steps = stepsOf(message);
  return (
    <Timeline bulletSize={16} lineWidth={2} active={steps.length - 1}>
      {steps.map((step, index) => (
        <Timeline.Item key={step.title} title={step.title} color={step.color ?? 'teal'}>
          {step.text !== undefined && <Text size="sm">{step.text}</Text>}
          {step.at !== null && (
            <Text size="xs" c="dimmed">
              {dateTime(step.at)}
              {later(step.at, steps[index - 1]?.at ?? null)}
            </Text>
          )}
        </Timeline.Item>
      ))}
    </Timeline>
  );
}

function stepsOf(message: MessageDetail): readonly Step[] {
  const { steps } = texts.messages;
  const way: Step[] = [];
  if (message.internalDate !== null) way.push({ title: steps.sent, at: message.internalDate });
  way.push({ title: steps.fetched, at: message.receivedAt });
  if (message.publishedAt !== null) way.push({ title: steps.published, at: message.publishedAt });
  const reason = message.reasonText === null ? message.reason : said(message.reasonText);
  switch (message.status) {
    case 'processed':
      return [...way, { title: steps.processed, at: message.processedAt, text: outcomeOf(message) }];
    case 'skipped':
      return [...way, { title: steps.skipped, at: null, color: 'gray', text: reason }];
    case 'dead_letter':
      return [...way, { title: steps.deadLetter, at: null, color: 'red', text: reason }];
    default:
      return [...way, { title: steps.waiting, at: null, color: 'blue', text: said(message.statusText) }];
  }
}

function outcomeOf({ result }: MessageDetail): string {
  if (result === null) return '';
  const outcomes: Readonly<Record<string, string>> = texts.messages.outcomes;
  return outcomes[result.outcome] ?? result.outcome;
}

/** How long after the step before; a mail server's clock may be ahead of ours. */
function later(at: string, before: string | null): string {
  if (before === null) return '';
  const seconds = (Date.parse(at) - Date.parse(before)) / 1000;
  return seconds >= 0.05 ? ` · +${duration(seconds)}` : '';
}
