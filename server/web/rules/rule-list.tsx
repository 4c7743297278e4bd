import { Button, Drawer, Stack, Text, VisuallyHidden } from '@mantine/core';
import { useState, type ReactElement } from 'react';
import { Link } from 'wouter';
import type { StoredRule } from '../../src/contracts/rules.ts';
import { EmptyNote } from '../empty-note.tsx';
import { FailureAlert } from '../failure-alert.tsx';
import { ListSkeleton } from '../list-skeleton.tsx';
import { useMay } from '../me.ts';
import { PageTitle } from '../page-title.tsx';
import { texts } from '../texts.ts';
import { useRuleOrder, useRules } from './queries-rules.ts';
import { RuleItem } from './rule-item.tsx';
import { SavedTrial } from './rule-trial.tsx';
import { useMayTry } from './use-may-try.ts';

/** Rules in the order in which they are asked. */
export function RuleList(): ReactElement {
  const rules = useRules();
  const mayWrite = useMay('providers:write');
  const mayTry = useMayTry();
  // Null: nothing is tried; 'all', or the id of one.
  const [tried, setTried] = useState<string | null>(null);
  const items = rules.data?.items ?? [];
  return (
    <Stack maw={1000}>
      <PageTitle title={texts.rules.title} intro={texts.rules.intro}>
        {mayTry && items.some(({ isEnabled }) => isEnabled) && (
          <Button variant="default" onClick={() => setTried('all')}>
            {texts.rules.tryAll}
          </Button>
        )}
        {mayWrite && items.length > 0 && <AddRule />}
      </PageTitle>
      {rules.data === undefined ? (
        rules.isPending ? (
          <ListSkeleton rows={4} height={84} />
        ) : (
          <FailureAlert failure={rules.error} onRetry={() => void rules.refetch()} />
        )
      ) : (
        <>
          {rules.error !== null && <FailureAlert failure={rules.error} />}
          {items.length === 0 ? <NoRules /> : <Rules rules={items} onTry={mayTry ? setTried : null} />}
        </>
      )}
      <Drawer
        opened={tried !== null}
        onClose={() => setTried(null)}
        position="right"
        size="lg"
        title={
          tried === 'all'
            ? texts.rules.trialOfAll
            : texts.rules.trialOf(items.find(({ id }) => id === tried)?.name ?? '')
        }
      >
        {tried !== null && <SavedTrial ruleId={tried === 'all' ? null : tried} rules={items} />}
      </Drawer>
    </Stack>
  );
}

function AddRule(): ReactElement {
  return (
    <Button component={Link} href="/rules/new">
      {texts.rules.add}
    </Button>
  );
}

function NoRules(): ReactElement {
  const mayWrite = useMay('providers:write');
  return (
    <EmptyNote title={texts.rules.none} hint={texts.rules.noneHint}>
      <Text c="dimmed" ta="center" maw={640} size="sm">
        {texts.rules.example}
      </Text>
      {mayWrite && (
        <Stack gap="xs" align="center" mt="xs">
          <AddRule />
          <Button component={Link} href="/rules/new?example" variant="subtle">
            {texts.rules.useExample}
          </Button>
        </Stack>
      )}
    </EmptyNote>
  );
}

function Rules(props: {
  readonly rules: readonly StoredRule[];
  /** Null for somebody who may not. */
  readonly onTry: ((id: string) => void) | null;
}): ReactElement {
  const { rules, onTry } = props;
  const order = useRuleOrder();
  const [said, setSaid] = useState('');
  const move = (from: number, to: number): void => {
    const ids = rules.map(({ id }) => id);
    const [id] = ids.splice(from, 1);
    const rule = rules[from];
    if (id === undefined || rule === undefined) return;
    ids.splice(to, 0, id);
    order.mutate(ids);
    setSaid(texts.rules.moved(rule.name, to + 1, rules.length));
  };
  return (
    <>
      <Stack gap="sm" component="ol" m={0} p={0} className="plain-list">
        {rules.map((rule, at) => (
          <RuleItem
            key={rule.id}
            rule={rule}
            place={at + 1}
            onUp={at === 0 ? null : () => move(at, at - 1)}
            onDown={at === rules.length - 1 ? null : () => move(at, at + 1)}
            onTry={onTry}
          />
        ))}
      </Stack>
      <VisuallyHidden component="output">{said}</VisuallyHidden>
    </>
  );
}
