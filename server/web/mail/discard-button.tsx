import { Button, TextInput } from '@mantine/core';
import { useState, type ReactElement } from 'react';
import { ApiFailure, request } from '../api.ts';
import { ConfirmModal } from '../confirm-modal.tsx';
import { useMay } from '../me.ts';
import { showDone, showFailure } from '../notify.ts';
import { texts } from '../texts.ts';
import { useAction } from '../use-action.ts';

/** Says of dead letters that nothing will be done about them, and why. */
export function DiscardButton(props: {
  readonly eventIds: readonly string[];
  readonly onDone: () => void;
}): ReactElement | null {
  const { eventIds, onDone } = props;
  const [isOpen, setIsOpen] = useState(false);
  const [reason, setReason] = useState('');
  const discard = useAction(() => discardAll(eventIds, reason.trim()), ['messages', 'dead-letters']);
  if (!useMay('messages:write')) return null;
  return (
    <>
      <Button variant="light" color="red" onClick={() => setIsOpen(true)}>
        {texts.deadLetters.discard}
      </Button>
      <ConfirmModal
        isOpen={isOpen}
        title={texts.deadLetters.discardTitle(eventIds.length)}
        text={texts.deadLetters.discardText}
        confirm={texts.deadLetters.discard}
        isBusy={discard.isPending}
        isDisabled={reason.trim() === ''}
        onClose={() => setIsOpen(false)}
        onConfirm={() =>
          discard.mutate(undefined, {
            onSuccess: (failures) => {
              const done = eventIds.length - failures.length;
              if (done > 0) showDone(texts.deadLetters.discarded(done));
              if (failures[0] !== undefined) showFailure(failures[0]);
              setIsOpen(false);
              onDone();
            },
            onError: showFailure,
          })
        }
      >
        <TextInput
          label={texts.deadLetters.discardReason}
          required
          maxLength={500}
          value={reason}
          onChange={(event) => setReason(event.currentTarget.value)}
        />
      </ConfirmModal>
    </>
  );
}

/** One after the other; what was refused comes back. */
async function discardAll(eventIds: readonly string[], reason: string): Promise<readonly ApiFailure[]> {
  const failures: ApiFailure[] = [];
  for (const eventId of eventIds)
    try {
      await request('POST', `/api/email/dead-letters/${eventId}/discard`, { reason });
    } catch (error) {
      if (!(error instanceof ApiFailure)) throw error;
      failures.push(error);
    }
  return failures;
}
