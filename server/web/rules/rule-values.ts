/** A rule as its form has it, and the way to and from the API's body. */
import type { FieldError } from '../../src/contracts/errors.ts';
import type { RuleBody, StoredRule } from '../../src/contracts/rules.ts';
import { fromCondition, newGroup, toCondition, type GroupValues } from './condition-values.ts';

export type RuleAction = RuleBody['actions'][number];
export type Priority = Extract<RuleAction, { kind: 'priority' }>['priority'];
export const PRIORITIES: readonly Priority[] = ['low', 'normal', 'high', 'urgent'];
/** Of one action. */
const MAX_TAGS = 20;

/** What a ticket gets. */
export interface Effects {
  queue: string;
  clientId: string | null;
  priority: Priority | null;
  tags: string[];
}

export interface RuleValues extends Effects {
  name: string;
  isEnabled: boolean;
  isDryRun: boolean;
  stopsOnMatch: boolean;
  providerId: string | null;
  when: GroupValues;
  isSkip: boolean;
  /** Stored with a skip and more: the more counts where a mail is too long to be searched to its end. */
  isMixed: boolean;
}

const NO_EFFECTS: Effects = { queue: '', clientId: null, priority: null, tags: [] };

export function newRule(): RuleValues {
  return {
    ...NO_EFFECTS,
    ...{ name: '', isEnabled: true, isDryRun: false, stopsOnMatch: false, providerId: null },
    ...{ when: newGroup('all'), isSkip: false, isMixed: false },
  };
}

/** Of a broken rule what can be read of it. */
export function fromRule(rule: StoredRule): RuleValues {
  const { name, isEnabled, isDryRun, stopsOnMatch, providerId } = rule;
  const actions = rule.actions ?? [];
  const isSkip = actions.some(({ kind }) => kind === 'skip');
  return {
    ...effectsOf(actions),
    ...{ name, isEnabled, isDryRun, stopsOnMatch, providerId, isSkip },
    when: rule.when === null ? newGroup('all') : fromCondition(rule.when),
    isMixed: isSkip && actions.some(({ kind }) => kind !== 'skip'),
  };
}

/** Several actions as one, as they are evaluated: of queues, clients and priorities the first counts, tags add up. */
export function effectsOf(actions: readonly RuleAction[]): Effects {
  const effects = { ...NO_EFFECTS };
  for (const action of actions)
    switch (action.kind) {
      case 'skip':
        break;
      case 'route':
        effects.queue ||= action.queue ?? '';
        effects.clientId ??= action.clientId?.toLowerCase() ?? null;
        break;
      case 'priority':
        effects.priority ??= action.priority;
        break;
      case 'tag':
        effects.tags = [...new Set([...effects.tags, ...action.tags])];
        break;
      default:
        action satisfies never;
    }
  return effects;
}

export interface Request {
  readonly body: RuleBody;
  /** For each place of the body the field of the form; the longest that fits counts. */
  readonly fields: ReadonlyMap<string, string>;
}

export function toRequest(values: RuleValues): Request {
  const { name, isEnabled, isDryRun, stopsOnMatch, providerId } = values;
  const parts = new Map<string, number>();
  const when = toCondition(values.when, 'when', parts);
  const actions = actionsOf(values);
  const fields = new Map([...parts].map(([place, key]) => [place, partField(key)]));
  for (const [at, { field }] of actions.entries()) {
    fields.set(`actions.${at}`, field);
    // Queue and client are one action.
    if (field === 'queue') fields.set(`actions.${at}.clientId`, 'clientId');
  }
  return {
    body: {
      ...{ name, isEnabled, isDryRun, stopsOnMatch, providerId, when },
      actions: actions.map(({ action }) => action),
    },
    fields,
  };
}

/** Where errors of a part of the conditions stand among those of the form. */
export function partField(key: number): string {
  return `part.${key}`;
}

interface NamedAction {
  /** The field of the form whose errors are its errors. */
  readonly field: 'isSkip' | 'queue' | 'priority' | 'tags';
  readonly action: RuleAction;
}

function actionsOf({ isSkip, isMixed, ...effects }: RuleValues): readonly NamedAction[] {
  const skip: NamedAction = { field: 'isSkip', action: { kind: 'skip' } };
  if (isSkip && !isMixed) return [skip];
  const { clientId, priority, tags } = effects;
  const queue = effects.queue.trim();
  const named: NamedAction[] = isSkip ? [skip] : [];
  if (queue !== '' || clientId !== null)
    named.push({
      field: 'queue',
      action: {
        kind: 'route',
        ...(queue === '' ? {} : { queue }),
        ...(clientId === null ? {} : { clientId }),
      },
    });
  if (priority !== null) named.push({ field: 'priority', action: { kind: 'priority', priority } });
  for (let at = 0; at < tags.length; at += MAX_TAGS)
    named.push({ field: 'tags', action: { kind: 'tag', tags: tags.slice(at, at + MAX_TAGS) } });
  return named;
}

/** What the server refused, by the fields of the form. */
export function toFormErrors(
  errors: readonly FieldError[],
  fields: Request['fields'],
): Record<string, string> {
  const places = [...fields.keys()].sort((a, b) => b.length - a.length);
  return Object.fromEntries(
    errors.map(({ field, message }) => {
      const place = places.find((one) => field === one || field.startsWith(`${one}.`));
      const found = place === undefined ? undefined : fields.get(place);
      if (place === undefined || found === undefined) return [field, message];
      // A header field has a field of the form for its name.
      return [field.slice(place.length).endsWith('.name') ? `${found}.name` : found, message];
    }),
  );
}
