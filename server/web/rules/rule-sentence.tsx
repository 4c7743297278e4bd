import { Text } from '@mantine/core';
import type { ReactElement } from 'react';
import { useNameOf } from '../remote-select.tsx';
import { CLIENTS } from '../remotes.ts';
import { texts } from '../texts.ts';
import type { Condition } from './condition-values.ts';
import { effectsOf, type Priority, type RuleAction } from './rule-values.ts';
import { conditionWords, effectWords } from './rule-words.ts';

/** What a rule says, as one sentence. */
export function RuleSentence(props: {
  readonly rule: { readonly when: Condition | null; readonly actions: readonly RuleAction[] | null };
}): ReactElement | null {
  const { when, actions } = props.rule;
  const effects = effectsOf(actions ?? []);
  const wanted = useEffectWords(effects);
  if (when === null || actions === null) return null;
  const isSkip = actions.some(({ kind }) => kind === 'skip');
  const words = [...(isSkip ? [texts.rules.words.skip] : []), ...wanted];
  return (
    <Text size="sm" className="wrap-anywhere">
      <Text span inherit c="dimmed">
        {texts.rules.when}
      </Text>{' '}
      {conditionWords(when)}
      {words.length > 0 && (
        <>
          {', '}
          <Text span inherit c="dimmed">
            {texts.rules.then}
          </Text>{' '}
          {words.join(', ')}
        </>
      )}
    </Text>
  );
}

/** With the name of the client, as soon as it is known. */
export function useEffectWords(effects: {
  readonly queue: string | null;
  readonly clientId: string | null;
  readonly priority: Priority | null;
  readonly tags: readonly string[];
}): readonly string[] {
  const { clientId, ...others } = effects;
  const client = useNameOf(CLIENTS, clientId);
  return effectWords({ ...others, client: clientId === null ? null : (client ?? '…') });
}
