/** One issue of a union's form: what zod reports, as far as it is needed here. */
export interface FormIssue {
  readonly code?: string | undefined;
  readonly path: readonly PropertyKey[];
}

/**
 * A value that fits none of the forms of a union was meant as one of them: the one that has its keys and its kind, else the one with
 * the fewest issues. Empty for a union without forms.
 */
export function closestForm<Issue extends FormIssue>(forms: readonly (readonly Issue[])[]): readonly Issue[] {
  const fitting = forms.filter((issues) => !issues.some(isOfAnotherForm));
  return (fitting.length > 0 ? fitting : forms).toSorted((a, b) => a.length - b.length)[0] ?? [];
}

/** Keys that a form does not have, or a value of the field that tells forms apart. */
function isOfAnotherForm({ code, path }: FormIssue): boolean {
  return code === 'unrecognized_keys' || path.at(-1) === 'field' || path.at(-1) === 'kind';
}
