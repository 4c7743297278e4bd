import { Stack, Text } from '@mantine/core';
import type { ReactElement } from 'react';
import { texts } from '../texts.ts';

/** A stranger's mail: a page of the server that can load and run nothing, in a frame whose origin is nobody's. */
export function MailFrame({ src }: { readonly src: string }): ReactElement {
  return (
    <Stack gap={4}>
      <iframe
        className="mail-frame"
        src={src}
        title={texts.messages.previewTitle}
        sandbox="allow-popups allow-popups-to-escape-sandbox"
        referrerPolicy="no-referrer"
        loading="lazy"
      />
      <Text size="xs" c="dimmed">
        {texts.messages.previewNote}
      </Text>
    </Stack>
  );
}
