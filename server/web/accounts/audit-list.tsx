import { Accordion, Group, Paper, Select, SimpleGrid, Stack, Text } from '@mantine/core';
import { useState, type ReactElement } from 'react';
import type { AuditEntry } from '../../src/contracts/audit-log.ts';
import { Age } from '../age.tsx';
import { PagedList } from '../paged-list.tsx';
import { PageTitle } from '../page-title.tsx';
import { useAuditLog } from '../queries.ts';
import { texts } from '../texts.ts';

export function AuditList(): ReactElement {
  const [kind, setKind] = useState<string | null>(null);
  const pages = useAuditLog({ action: kind });
  return (
    <Stack maw={1100}>
      <PageTitle title={texts.audit.title} intro={texts.audit.intro}>
        <Select
          aria-label={texts.audit.what}
          placeholder={texts.audit.anyKind}
          data={Object.entries(texts.audit.kinds).map(([value, label]) => ({ value, label }))}
          value={kind}
          onChange={setKind}
          clearable
          w={200}
        />
      </PageTitle>
      <PagedList
        pages={pages}
        filter={{ isUsed: kind !== null, noMatch: texts.audit.noMatch, onClear: () => setKind(null) }}
        empty={{ title: texts.audit.none, hint: texts.audit.noneHint }}
      >
        {(entries) => (
          <Paper withBorder>
            <Accordion multiple chevronPosition="right">
              {entries.map((entry) => (
                <Entry key={entry.id} entry={entry} />
              ))}
            </Accordion>
          </Paper>
        )}
      </PagedList>
    </Stack>
  );
}

function Entry({ entry }: { readonly entry: AuditEntry }): ReactElement {
  const { actor } = entry;
  const names = changedNames(entry);
  return (
    <Accordion.Item value={entry.id}>
      <Accordion.Control>
        <Group justify="space-between" gap="xs">
          <Text size="sm">
            <Text span fw={600} inherit>
              {actor.name ?? (actor.type === 'system' ? texts.audit.system : actor.type)}
            </Text>{' '}
            {actor.type === 'api_token' && `(${texts.audit.program}) `}
            {actionText(entry.action)}{' '}
            <Text span fw={500} inherit>
              {entry.subjectName ?? ''}
            </Text>
          </Text>
          <Age at={entry.at} size="xs" c="dimmed" />
        </Group>
      </Accordion.Control>
      <Accordion.Panel>
        {names.length === 0 ? (
          <Text size="sm" c="dimmed">
            {texts.audit.noValues}
          </Text>
        ) : (
          <SimpleGrid cols={{ base: 1, xs: 2 }}>
            <Values title={texts.audit.before} values={entry.before} names={names} />
            <Values title={texts.audit.after} values={entry.after} names={names} />
          </SimpleGrid>
        )}
        <Text size="xs" c="dimmed" mt="sm">
          {entry.action} · {entry.subjectType} {entry.subjectId}
        </Text>
      </Accordion.Panel>
    </Accordion.Item>
  );
}

function Values(props: {
  readonly title: string;
  readonly values: AuditEntry['before'];
  readonly names: readonly string[];
}): ReactElement {
  const { title, values, names } = props;
  return (
    <div>
      <Text size="xs" c="dimmed">
        {title}
      </Text>
      <pre className="values">
        {values === null ? '–' : names.map((name) => `${name}: ${shown(values[name])}`).join('\n')}
      </pre>
    </div>
  );
}

/** Names whose value is not the same before and after. */
function changedNames({ before, after }: AuditEntry): readonly string[] {
  const names = new Set([...Object.keys(before ?? {}), ...Object.keys(after ?? {})]);
  return [...names].filter((name) => JSON.stringify(before?.[name]) !== JSON.stringify(after?.[name]));
}

function shown(value: unknown): string {
  if (value === undefined || value === null || value === '') return '–';
  return typeof value === 'string' ? value : JSON.stringify(value);
}

function actionText(action: string): string {
  const known: Readonly<Record<string, string>> = texts.audit.actions;
  return known[action] ?? action;
}
