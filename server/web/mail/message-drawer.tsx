import { Drawer } from '@mantine/core';
import type { ReactElement } from 'react';
import { MessageDetails } from './message-details.tsx';
import { texts } from '../texts.ts';

/** One message beside the list that it was found in. */
export function MessageDrawer(props: {
  readonly eventId: string | null;
  readonly onClose: () => void;
}): ReactElement {
  const { eventId, onClose } = props;
  return (
    <Drawer
      opened={eventId !== null}
      onClose={onClose}
      position="right"
      size="lg"
      title={texts.messages.details}
    >
      {eventId !== null && <MessageDetails eventId={eventId} />}
    </Drawer>
  );
}
