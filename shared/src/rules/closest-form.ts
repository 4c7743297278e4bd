/** One issue of a union's form: what zod reports, as far as it is needed here. */
export interface FormIssue {
  readonly code?: string | undefined;
  readonly path: readonly PropertyKey[];
}

/**
 * A value that fits none of the forms of a union was meant as one of them: best one that has all its keys, then one of its kind, then
 * the one with the fewest issues. Empty for a union without forms.
 */
export function closestForm<Issue extends FormIssue>(forms: readonly (readonly Issue[])[]): readonly Issue[] {
  return forms.toSorted((a, b) => strangeness(a) - strangeness(b) || a.length - b.length)[0] ?? [];
}

/** Keys that a form does not have tell more than a value of the field by which forms are told apart. */
function strangeness(issues: readonly FormIssue[]): number {
  const hasOtherKeys = issues.some(({ code }) => code === 'unrecognized_keys');
  const isOfOtherKind = issues.some(({ path }) => path.at(-1) === 'field' || path.at(-1) === 'kind');
  return (hasOtherKeys ? 2 : 0) + (isOfOtherKind ? 1 : 0);
}
