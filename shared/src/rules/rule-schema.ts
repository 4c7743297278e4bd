/**
 * Rules of a tenant for incoming mail, as they are stored and as the API takes them. Whatever passes here can be evaluated: patterns
 * compile, nothing is nested or repeated without end.
 */
import { z } from 'zod';
import { closestForm } from './closest-form.ts';
import { compilePattern } from './safe-pattern.ts';

const MAX_DEPTH = 5;
const MAX_CONDITIONS = 50;
const MAX_TEXT = 500;
/** JSON levels: two for each level of conditions, and those around them. Checked first, as the parser recurses. */
const MAX_JSON_DEPTH = 2 * MAX_DEPTH + 6;

/** `to` is every recipient (To, Cc, Bcc); of several values one is enough. */
const TEXT_FIELDS = [
  'from',
  'fromName',
  'to',
  'subject',
  'body',
  'attachmentName',
  'attachmentType',
] as const;
const TEXT_OPERATORS = ['equals', 'contains', 'starts', 'ends', 'matches'] as const;
/** Bytes of the raw message; number of attachments. */
const NUMBER_FIELDS = ['size', 'attachmentCount'] as const;
const NUMBER_OPERATORS = ['equals', 'above', 'below'] as const;

/** What JSON of PostgreSQL does not take: NUL and half characters. */
const isStorable = (text: string): boolean => !/[\u0000\p{Cs}]/u.test(text);
const isOneLine = (text: string): boolean => !/[\p{Cc}\p{Cs}\p{Zl}\p{Zp}]/u.test(text);

const textTest = {
  operator: z.enum(TEXT_OPERATORS),
  value: z
    .string()
    .min(1, 'must not be empty')
    .max(MAX_TEXT)
    .refine(isStorable, 'must not contain a NUL or half a character'),
  isCaseSensitive: z.boolean().default(false),
};

const textCondition = z.strictObject({ field: z.enum(TEXT_FIELDS), ...textTest }).superRefine(checkPattern);
const headerCondition = z
  .strictObject({
    field: z.literal('header'),
    name: z.string().regex(/^[!-9;-~]{1,100}$/, 'must be the name of a header field'),
    ...textTest,
  })
  .superRefine(checkPattern);
const numberCondition = z.strictObject({
  field: z.enum(NUMBER_FIELDS),
  operator: z.enum(NUMBER_OPERATORS),
  value: z.number().int().nonnegative(),
});

export type TextCondition = z.infer<typeof textCondition>;
export type HeaderCondition = z.infer<typeof headerCondition>;
export type NumberCondition = z.infer<typeof numberCondition>;
export type Condition =
  | { readonly all: readonly Condition[] }
  | { readonly any: readonly Condition[] }
  | { readonly not: Condition }
  | TextCondition
  | HeaderCondition
  | NumberCondition;

const condition: z.ZodType<Condition> = z
  .lazy(() =>
    z.union([
      z.strictObject({ all: z.array(condition).min(1) }),
      z.strictObject({ any: z.array(condition).min(1) }),
      z.strictObject({ not: condition }),
      textCondition,
      headerCondition,
      numberCondition,
    ]),
  )
  .meta({ id: 'RuleCondition' });

const name = z
  .string()
  .trim()
  .min(1)
  .max(100)
  .refine(isOneLine, 'must be one line without control characters');
const action = z.discriminatedUnion('kind', [
  /** Recorded and nothing more: no ticket. */
  z.strictObject({ kind: z.literal('skip') }),
  z
    .strictObject({
      kind: z.literal('route'),
      queue: name.optional(),
      clientId: z.guid().optional(),
    })
    .refine(({ kind: _, ...targets }) => Object.keys(targets).length > 0, 'must name a queue or a client'),
  z.strictObject({ kind: z.literal('priority'), priority: z.enum(['low', 'normal', 'high', 'urgent']) }),
  z.strictObject({ kind: z.literal('tag'), tags: z.array(name).min(1).max(20) }),
]);

/** What a person says of a rule. */
export const ruleShape = {
  name,
  isEnabled: z.boolean().default(true),
  /** Counted and shown, without effect. */
  isDryRun: z.boolean().default(false),
  stopsOnMatch: z.boolean().default(false),
  /** Of one mailbox; null for all of the tenant. */
  providerId: z.guid().nullable().default(null),
  when: condition.superRefine((root, context) => {
    const { count, depth } = measure(root);
    if (count > MAX_CONDITIONS) context.addIssue(`has ${count} conditions, ${MAX_CONDITIONS} are allowed`);
    if (depth > MAX_DEPTH) context.addIssue(`is nested ${depth} deep, ${MAX_DEPTH} is allowed`);
  }),
  actions: z.array(action).min(1).max(10),
};

const ruleSchema = z.strictObject({
  id: z.guid(),
  /** Lower ones first; equal ones by id. */
  order: z.number().int().min(0).max(1_000_000).default(0),
  ...ruleShape,
});

export type Rule = z.infer<typeof ruleSchema>;
export type RuleAction = z.infer<typeof action>;

export type ParsedRule =
  | { readonly isValid: true; readonly rule: Rule }
  /** Each names the place (`when.all.0.value`) and what is wrong with it, in words for the person who wrote the rule. */
  | {
      readonly isValid: false;
      readonly problems: readonly { readonly path: string; readonly message: string }[];
    };

/** Never throws, whatever is given. */
export function parseRule(input: unknown): ParsedRule {
  if (isNestedTooDeep(input)) {
    return { isValid: false, problems: [{ path: 'when', message: TOO_DEEP }] };
  }
  const parsed = ruleSchema.safeParse(input);
  if (parsed.success) return { isValid: true, rule: parsed.data };
  return { isValid: false, problems: parsed.error.issues.flatMap((issue) => problemsOf(issue, [])) };
}

export const TOO_DEEP = `is nested too deep, ${MAX_DEPTH} is allowed`;

/** To be asked before anything walks through a rule that somebody sent. */
export function isNestedTooDeep(input: unknown): boolean {
  return isDeeperThan(input, MAX_JSON_DEPTH);
}

/** Of a union, the problems of the form that fits best. */
function problemsOf(
  issue: z.core.$ZodIssue,
  above: readonly PropertyKey[],
): readonly { readonly path: string; readonly message: string }[] {
  const path = [...above, ...issue.path];
  if (issue.code !== 'invalid_union' || issue.errors.length === 0) {
    return [{ path: path.map(String).join('.'), message: issue.message }];
  }
  return closestForm(issue.errors).flatMap((inner) => problemsOf(inner, path));
}

function checkPattern(
  test: { readonly operator: string; readonly value: string; readonly isCaseSensitive: boolean },
  context: z.RefinementCtx,
): void {
  if (test.operator !== 'matches') return;
  const compiled = compilePattern(test.value, test.isCaseSensitive);
  if (compiled.isValid) return;
  const where = compiled.position === null ? '' : ` at character ${compiled.position}`;
  context.addIssue({
    code: 'custom',
    path: ['value'],
    message: `The regular expression is refused${where}: ${compiled.reason}`,
  });
}

function measure(root: Condition): { readonly count: number; readonly depth: number } {
  const children = 'all' in root ? root.all : 'any' in root ? root.any : 'not' in root ? [root.not] : [];
  const measured = children.map(measure);
  return {
    count: measured.reduce((sum, { count }) => sum + count, children.length === 0 ? 1 : 0),
    depth: 1 + Math.max(0, ...measured.map(({ depth }) => depth)),
  };
}

function isDeeperThan(input: unknown, max: number): boolean {
  let level: unknown[] = [input];
  for (let depth = 0; depth < max; depth++) {
    level = level.flatMap((value) =>
      typeof value === 'object' && value !== null ? Object.values(value) : [],
    );
    if (level.length === 0) return false;
  }
  return true;
}
