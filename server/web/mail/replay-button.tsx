import { Button, Stack, Text } from '@mantine/core';
import { useState, type ReactElement } from 'react';
import type { ReplayResult } from '../../src/contracts/dead-letters.ts';
import { ConfirmModal } from '../confirm-modal.tsx';
import { request } from '../api.ts';
import { useMay } from '../me.ts';
import { showDone, showFailure } from '../notify.ts';
import { texts } from '../texts.ts';
import { useAction } from '../use-action.ts';

const KEYS = ['messages', 'dead-letters', 'tickets'];

/** Asks the server first what a replay would do, shows that, and does it. */
export function ReplayButton(props: {
  /** Null means all that are open. */
  readonly eventIds: readonly string[] | null;
  readonly label?: string;
  readonly variant?: string;
  readonly onDone?: () => void;
}): ReactElement | null {
  const { eventIds, label = texts.deadLetters.replay, variant = 'filled', onDone } = props;
  const [plan, setPlan] = useState<ReplayResult | null>(null);
  const replay = useAction(
    (dryRun: boolean) =>
      request<ReplayResult>('POST', '/api/email/dead-letters/replay', {
        dryRun,
        ...(eventIds === null ? {} : { eventIds }),
      }),
    KEYS,
  );
  if (!useMay('messages:write')) return null;
  return (
    <>
      <Button
        variant={variant}
        loading={replay.isPending && plan === null}
        onClick={() => replay.mutate(true, { onSuccess: setPlan, onError: showFailure })}
      >
        {label}
      </Button>
      <ConfirmModal
        isOpen={plan !== null}
        title={texts.deadLetters.replayTitle}
        confirm={texts.deadLetters.replay}
        color="indigo"
        isBusy={replay.isPending}
        isDisabled={plan?.replayed === 0}
        onClose={() => setPlan(null)}
        onConfirm={() =>
          replay.mutate(false, {
            onSuccess: ({ replayed }) => {
              showDone(texts.deadLetters.replayed(replayed));
              onDone?.();
            },
            onError: showFailure,
            onSettled: () => setPlan(null),
          })
        }
      >
        {plan !== null && <Plan plan={plan} />}
      </ConfirmModal>
    </>
  );
}

function Plan({ plan }: { readonly plan: ReplayResult }): ReactElement {
  const { skipped, remaining } = plan;
  const lines = [
    plan.replayed === 0 ? texts.deadLetters.nothingToDo : texts.deadLetters.wouldReplay(plan.replayed),
    skipped.hasEffect > 0 && texts.deadLetters.hasEffect(skipped.hasEffect),
    skipped.alreadyReplaying > 0 && texts.deadLetters.alreadyReplaying(skipped.alreadyReplaying),
    skipped.notReplayable > 0 && texts.deadLetters.notReplayable(skipped.notReplayable),
    remaining > 0 && texts.deadLetters.remaining(remaining),
  ].filter((line) => line !== false);
  return (
    <Stack gap={4}>
      {lines.map((line) => (
        <Text key={line} size="sm">
          {line}
        </Text>
      ))}
    </Stack>
  );
}
