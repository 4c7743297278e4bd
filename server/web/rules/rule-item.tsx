import { ActionIcon, Anchor, Box, Group, Menu, Paper, Stack, Switch, Text } from '@mantine/core';
import { useState, type ReactElement, type ReactNode } from 'react';
import { Link } from 'wouter';
import type { StoredRule } from '../../src/contracts/rules.ts';
import { Age } from '../age.tsx';
import { ActionMenu } from '../action-menu.tsx';
import { request } from '../api.ts';
import { ConfirmModal } from '../confirm-modal.tsx';
import { number } from '../format.ts';
import { DownIcon, UpIcon } from '../icons.tsx';
import { useMay } from '../me.ts';
import { showDone, showFailure } from '../notify.ts';
import { useNameOf } from '../remote-select.tsx';
import { MAILBOXES } from '../remotes.ts';
import { StateBadge } from '../state-badge.tsx';
import { said, texts } from '../texts.ts';
import { useAction } from '../use-action.ts';
import { useMenuTarget } from '../use-menu-target.ts';
import { RULES } from './queries-rules.ts';
import { RuleSentence } from './rule-sentence.tsx';

const KEYS = ['rules', 'audit'];

/** One rule in the list: its place, what it says, how often it matched, and what can be done with it. */
export function RuleItem(props: {
  readonly rule: StoredRule;
  /** From 1. */
  readonly place: number;
  /** Null at the end of the list. */
  readonly onUp: (() => void) | null;
  readonly onDown: (() => void) | null;
  readonly onTry: ((id: string) => void) | null;
}): ReactElement {
  const { rule, place, onUp, onDown, onTry } = props;
  const mayWrite = useMay('providers:write');
  return (
    <Paper withBorder p="sm" component="li">
      <Group wrap="nowrap" align="flex-start" gap="sm">
        {mayWrite && (
          <Stack gap={0} align="center">
            <Mover label={texts.rules.moveUp(rule.name)} onMove={onUp}>
              <UpIcon />
            </Mover>
            <Text size="xs" c="dimmed">
              {place}
            </Text>
            <Mover label={texts.rules.moveDown(rule.name)} onMove={onDown}>
              <DownIcon />
            </Mover>
          </Stack>
        )}
        <Stack gap={4} flex={1} miw={0}>
          <Head rule={rule} />
          <RuleSentence rule={rule} />
          <Problems rule={rule} />
          <Counts rule={rule} />
        </Stack>
        <Group gap={4} wrap="nowrap" flex="none">
          {mayWrite && <EnabledSwitch rule={rule} />}
          <RuleMenu rule={rule} onTry={onTry} />
        </Group>
      </Group>
    </Paper>
  );
}

/** Never disabled at the ends of the list: whoever moves a rule by keyboard would lose the button under the fingers. */
function Mover(props: {
  readonly label: string;
  readonly onMove: (() => void) | null;
  readonly children: ReactNode;
}): ReactElement {
  const { label, onMove, children } = props;
  return (
    <ActionIcon
      variant="subtle"
      color="gray"
      size="md"
      aria-label={label}
      aria-disabled={onMove === null}
      {...(onMove === null ? { 'data-disabled': true, bg: 'transparent' } : {})}
      onClick={() => onMove?.()}
    >
      {children}
    </ActionIcon>
  );
}

function Head({ rule }: { readonly rule: StoredRule }): ReactElement {
  const mayWrite = useMay('providers:write');
  const mailbox = useNameOf(MAILBOXES, rule.providerId);
  return (
    <Group gap="xs">
      {mayWrite ? (
        <Anchor component={Link} href={`/rules/${rule.id}`} fw={600} className="wrap-anywhere">
          {rule.name}
        </Anchor>
      ) : (
        <Text fw={600} className="wrap-anywhere">
          {rule.name}
        </Text>
      )}
      {rule.providerId !== null && (
        <Text size="sm" c="dimmed">
          {texts.rules.onlyIn(mailbox ?? '…')}
        </Text>
      )}
      {!rule.isEnabled && <StateBadge color="gray" label={texts.rules.off} />}
      {rule.isEnabled && rule.isDryRun && <StateBadge color="blue" label={texts.rules.onTrial} />}
      {rule.isBroken ? (
        <StateBadge color="red" label={texts.rules.broken} />
      ) : (
        rule.problems.length > 0 && <StateBadge color="yellow" label={texts.rules.problem} />
      )}
    </Group>
  );
}

function Problems({ rule }: { readonly rule: StoredRule }): ReactElement | null {
  if (rule.problems.length === 0) return null;
  if (rule.storedText !== null)
    return (
      <Box>
        <Text size="sm" c="red">
          {texts.rules.brokenText}
        </Text>
        <pre className="values">
          {[...rule.problems.map(({ field, message }) => `${field}: ${message}`), rule.storedText].join('\n')}
        </pre>
      </Box>
    );
  return (
    <Box>
      {rule.problems.map(({ field, message }) => (
        <Text key={`${field} ${message}`} size="sm" c="red">
          {sentence(said(message))}
        </Text>
      ))}
    </Box>
  );
}

function sentence(words: string): string {
  return `${words.charAt(0).toUpperCase()}${words.slice(1)}.`;
}

function Counts({ rule }: { readonly rule: StoredRule }): ReactElement {
  const { matchCount, lastMatchedAt } = rule;
  return (
    <Text size="xs" c="dimmed">
      {matchCount === 0
        ? texts.rules.neverMatched
        : texts.rules.matches(number(matchCount), matchCount === 1)}
      {lastMatchedAt !== null && (
        <>
          {`, ${texts.rules.last} `}
          <Age at={lastMatchedAt} span inherit />
        </>
      )}
      {rule.stopsOnMatch && ` · ${texts.rules.stops}`}
    </Text>
  );
}

function EnabledSwitch({ rule }: { readonly rule: StoredRule }): ReactElement {
  const change = useAction(
    (isEnabled: boolean) =>
      request<StoredRule>('POST', `${RULES}/${rule.id}/${isEnabled ? 'enable' : 'disable'}`),
    KEYS,
  );
  const shown = change.isPending ? change.variables : rule.isEnabled;
  return (
    <Switch
      aria-label={texts.rules.enabled(rule.name)}
      checked={shown}
      onChange={(event) => change.mutate(event.currentTarget.checked, { onError: showFailure })}
    />
  );
}

function RuleMenu(props: {
  readonly rule: StoredRule;
  readonly onTry: ((id: string) => void) | null;
}): ReactElement | null {
  const { rule, onTry } = props;
  const { target, fromTarget } = useMenuTarget();
  const [isAsking, setIsAsking] = useState(false);
  const remove = useAction(() => request('DELETE', `${RULES}/${rule.id}`), KEYS);
  const mayWrite = useMay('providers:write');
  const canTry = onTry !== null && !rule.isBroken;
  if (!mayWrite && !canTry) return null;
  return (
    <>
      <ActionMenu label={`${texts.rules.actions}: ${rule.name}`} ref={target}>
        {mayWrite && (
          <Menu.Item component={Link} href={`/rules/${rule.id}`}>
            {texts.rules.edit}
          </Menu.Item>
        )}
        {canTry && <Menu.Item onClick={fromTarget(() => onTry(rule.id))}>{texts.rules.tryOne}</Menu.Item>}
        {mayWrite && (
          <>
            <Menu.Divider />
            <Menu.Item color="red" onClick={fromTarget(() => setIsAsking(true))}>
              {texts.rules.delete}
            </Menu.Item>
          </>
        )}
      </ActionMenu>
      <ConfirmModal
        isOpen={isAsking}
        title={texts.rules.deleteTitle(rule.name)}
        text={texts.rules.deleteText}
        confirm={texts.rules.deleteConfirm}
        isBusy={remove.isPending}
        onClose={() => setIsAsking(false)}
        onConfirm={() =>
          remove.mutate(undefined, {
            onSuccess: () => showDone(texts.rules.deleted(rule.name)),
            onError: showFailure,
            onSettled: () => setIsAsking(false),
          })
        }
      />
    </>
  );
}
