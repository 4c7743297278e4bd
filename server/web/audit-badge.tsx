import { Badge, Button, Group, Text, Tooltip } from '@mantine/core';
import { notifications } from '@mantine/notifications';
import type { ReactElement } from 'react';
import type { FolderStatus, Provider } from '../src/contracts/providers.ts';
import { Age } from './age.tsx';
import { useMay } from './me.ts';
import { useProviderAction } from './queries.ts';
import { texts } from './texts.ts';

/** What the last comparison of all folders with the mail server came to, and the button for another one. */
export function AuditLine({ provider }: { readonly provider: Provider }): ReactElement {
  return (
    <Group gap="xs" justify="space-between">
      <AuditBadge provider={provider} />
      <AuditButton provider={provider} />
    </Group>
  );
}

function AuditButton({ provider }: { readonly provider: Provider }): ReactElement | null {
  const action = useProviderAction(provider);
  const mayWrite = useMay('providers:write');
  if (!mayWrite || provider.state === 'paused' || provider.state === 'inactive') return null;
  return (
    <Button
      variant="subtle"
      size="compact-xs"
      loading={action.isPending}
      disabled={provider.audit?.isPending === true}
      aria-label={`${texts.mailboxes.audit}: ${provider.providerName}`}
      onClick={() =>
        action.mutate('audit', {
          onError: (failure) =>
            notifications.show({ title: failure.message, message: failure.hint, color: 'red' }),
        })
      }
    >
      {texts.mailboxes.audit}
    </Button>
  );
}

/** "missing 0, checked 3 minutes ago". */
function AuditBadge({ provider }: { readonly provider: Provider }): ReactElement {
  const { audit } = provider;
  if (audit === null)
    return (
      <Text size="xs" c="dimmed">
        {texts.mailboxes.auditNever}
      </Text>
    );
  return (
    <Group gap={6} wrap="nowrap">
      {audit.at !== null && (
        <>
          <Tooltip label={texts.mailboxes.auditHint(audit.checked, audit.found)}>
            <Badge
              color={audit.missing === 0 ? 'teal' : 'red'}
              variant="light"
              size="sm"
              tt="none"
              fw={600}
              miw="fit-content"
            >
              {texts.mailboxes.auditMissing(audit.missing)}
            </Badge>
          </Tooltip>
          <Text size="xs" c="dimmed">
            {texts.mailboxes.auditChecked}
          </Text>
          <Age at={audit.at} size="xs" c="dimmed" />
        </>
      )}
      {audit.isPending && (
        <Text size="xs" c="dimmed">
          {audit.at === null ? '' : '· '}
          {texts.mailboxes.auditPending}
        </Text>
      )}
    </Group>
  );
}

export function FolderAuditText({ folder }: { readonly folder: FolderStatus }): ReactElement {
  const { audit, isAuditPending } = folder;
  return (
    <>
      {audit !== null && (
        <>
          <Text size="sm" {...(audit.missing === 0 ? {} : { c: 'red', fw: 600 })}>
            {texts.mailboxes.auditMissing(audit.missing)}
          </Text>
          <Age at={audit.at} size="xs" c="dimmed" />
        </>
      )}
      {audit === null && !isAuditPending && (
        <Text size="sm" c="dimmed">
          {texts.mailboxes.auditNever}
        </Text>
      )}
      {isAuditPending && (
        <Text size="xs" c="dimmed">
          {texts.mailboxes.auditPending}
        </Text>
      )}
    </>
  );
}
