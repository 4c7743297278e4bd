import { Anchor, Skeleton, Stack } from '@mantine/core';
import type { ReactElement } from 'react';
import { Link, useLocation, useSearchParams } from 'wouter';
import type { StoredRule } from '../../src/contracts/rules.ts';
import { request } from '../api.ts';
import { FailureAlert } from '../failure-alert.tsx';
import { showDone } from '../notify.ts';
import { PageTitle } from '../page-title.tsx';
import { texts } from '../texts.ts';
import { newGroup, newTest } from './condition-values.ts';
import { RULES, useRule } from './queries-rules.ts';
import { RuleForm } from './rule-form.tsx';
import { fromRule, newRule, type Request, type RuleValues } from './rule-values.ts';

export function AddRule(): ReactElement {
  const [search] = useSearchParams();
  const saved = useSaved(texts.rules.created);
  return (
    <Page title={texts.rules.addTitle}>
      <RuleForm
        initial={search.has('example') ? example() : newRule()}
        onSave={async (body) => saved(await request<StoredRule>('POST', RULES, body))}
      />
    </Page>
  );
}

export function EditRule({ id }: { readonly id: string }): ReactElement {
  const rule = useRule(id);
  const saved = useSaved(texts.rules.saved);
  if (rule.data === undefined)
    return rule.isPending ? (
      <Skeleton h={500} maw={860} />
    ) : (
      <FailureAlert failure={rule.error} onRetry={() => void rule.refetch()} />
    );
  return (
    <Page title={texts.rules.editTitle(rule.data.name)}>
      <RuleForm
        initial={fromRule(rule.data)}
        onSave={async (body: Request['body']) =>
          saved(await request<StoredRule>('PUT', `${RULES}/${id}`, body))
        }
      />
    </Page>
  );
}

function useSaved(message: (name: string) => string): (rule: StoredRule) => void {
  const [, navigate] = useLocation();
  return ({ name }) => {
    showDone(message(name));
    navigate('/rules');
  };
}

function Page({
  title,
  children,
}: {
  readonly title: string;
  readonly children: ReactElement;
}): ReactElement {
  return (
    <Stack maw={860}>
      <Anchor component={Link} href="/rules" size="sm">
        ← {texts.rules.title}
      </Anchor>
      <PageTitle title={title} />
      {children}
    </Stack>
  );
}

function example(): RuleValues {
  const words = texts.rules;
  return {
    ...newRule(),
    name: words.exampleName,
    when: newGroup('all', [{ ...newTest(), text: words.exampleWord }]),
    queue: words.exampleQueue,
    tags: [words.exampleTag],
  };
}
