/** What rules would have done with the newest mails. */
import { Box, Group, Paper, Stack, Switch, Text } from '@mantine/core';
import { useEffect, useState, type ReactElement } from 'react';
import type { RuleTestItem, RuleTestResult, StoredRule } from '../../src/contracts/rules.ts';
import { Age } from '../age.tsx';
import { request } from '../api.ts';
import { FailureAlert } from '../failure-alert.tsx';
import { ListSkeleton } from '../list-skeleton.tsx';
import { StateBadge } from '../state-badge.tsx';
import { said, texts } from '../texts.ts';
import { useAction } from '../use-action.ts';
import type { Condition, TextField, NumberField } from './condition-values.ts';
import { RULES } from './queries-rules.ts';
import type { Priority } from './rule-values.ts';
import { useEffectWords } from './rule-sentence.tsx';
import { conditionWordsAt } from './rule-words.ts';

/** As many as the server tries at once. */
const NEWEST = 200;

const COLORS: Record<RuleTestItem['outcome'], string> = {
  skipped: 'yellow',
  changed: 'teal',
  kept: 'gray',
  counted: 'blue',
  none: 'gray',
  unknown: 'gray',
};

export function tryRule(what: {
  readonly rule?: unknown;
  readonly ruleId?: string;
}): Promise<RuleTestResult> {
  return request<RuleTestResult>('POST', `${RULES}/test`, { ...what, limit: NEWEST });
}

/** Of saved rules; tried when it is shown. @param props.ruleId null for all that are on, together */
export function SavedTrial(props: {
  readonly ruleId: string | null;
  readonly rules: readonly StoredRule[];
}): ReactElement {
  const { ruleId, rules } = props;
  const { mutate, data, error } = useAction(() => tryRule(ruleId === null ? {} : { ruleId }), []);
  useEffect(() => mutate(undefined), [mutate]);
  if (error !== null) return <FailureAlert failure={error} onRetry={() => mutate(undefined)} />;
  if (data === undefined) return <ListSkeleton rows={5} height={56} />;
  return (
    <TrialResult
      result={data}
      whenOf={(id) => rules.find((rule) => rule.id === (id ?? ruleId))?.when ?? null}
      isOfMany={ruleId === null}
    />
  );
}

export function TrialResult(props: {
  readonly result: RuleTestResult;
  /** Conditions of a rule; its id is null where it is not saved. */
  readonly whenOf: (id: string | null) => Condition | null;
  /** Several rules were tried: each mail says which ones match. */
  readonly isOfMany: boolean;
}): ReactElement {
  const { result, whenOf, isOfMany } = props;
  const [areAll, setAreAll] = useState(false);
  const { counts } = result;
  const others = result.items.filter(({ outcome }) => outcome === 'none').length;
  const shown = result.items.filter(({ outcome }) => areAll || outcome !== 'none');
  return (
    <Stack gap="sm" component="section" aria-label={texts.rules.try}>
      <Box component="output" display="block">
        <Text fw={600}>{texts.rules.summary(counts.matched, counts.tried)}</Text>
        <Text size="sm" c="dimmed">
          {[
            counts.skipped > 0 && texts.rules.wouldSkip(counts.skipped),
            counts.unknown > 0 && texts.rules.unknown(counts.unknown),
            !result.isComplete && texts.rules.incomplete,
            texts.rules.trialHint,
          ]
            .filter((line) => line !== false)
            .join(' ')}
        </Text>
      </Box>
      {others > 0 && (
        <Switch
          label={texts.rules.showOthers}
          checked={areAll}
          onChange={(event) => setAreAll(event.currentTarget.checked)}
        />
      )}
      {shown.map((item) => (
        <TriedMail key={item.eventId} item={item} whenOf={whenOf} isOfMany={isOfMany} />
      ))}
    </Stack>
  );
}

function TriedMail(props: {
  readonly item: RuleTestItem;
  readonly whenOf: (id: string | null) => Condition | null;
  readonly isOfMany: boolean;
}): ReactElement {
  const { item, whenOf, isOfMany } = props;
  const effects = useEffectWords({ ...item.effect, priority: item.effect.priority as Priority | null });
  const reasons = item.matches.flatMap(({ id, because }) => {
    const when = whenOf(id);
    if (when === null) return [];
    return (because.length === 0 ? [''] : because).map((place) => conditionWordsAt(when, place));
  });
  return (
    <Paper withBorder p="sm">
      <Group justify="space-between" wrap="nowrap" align="flex-start" gap="sm">
        <Stack gap={2} miw={0}>
          <Text size="sm" fw={500} className="wrap-anywhere">
            {item.subject ?? texts.messages.noSubject}
          </Text>
          <Text size="xs" c="dimmed" className="wrap-anywhere">
            {item.sender ?? texts.messages.noSender} · <Age at={item.receivedAt} span inherit />
          </Text>
        </Stack>
        <StateBadge color={COLORS[item.outcome]} label={texts.rules.outcomes[item.outcome]} />
      </Group>
      {item.outcome !== 'none' && (
        <Text size="sm" mt={4} className="wrap-anywhere">
          {item.outcome === 'changed' ? texts.rules.wouldGet(effects.join(', ')) : said(item.text)}
          {item.outcome === 'unknown' && ` ${texts.rules.notKept(fieldNames(item.unknownFields))}`}
        </Text>
      )}
      {item.matches.length > 0 && (
        <Text size="xs" c="dimmed" className="wrap-anywhere">
          {isOfMany &&
            `${texts.rules.by(item.matches.map(({ name }) => texts.rules.words.quoted(name)).join(', '))}. `}
          {reasons.length > 0 && `${texts.rules.because([...new Set(reasons)].join(texts.rules.words.and))}.`}
        </Text>
      )}
    </Paper>
  );
}

function fieldNames(fields: readonly string[]): string {
  return fields.map((field) => texts.rules.fields[field as TextField | NumberField]).join(', ');
}
