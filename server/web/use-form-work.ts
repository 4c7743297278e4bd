import { useState } from 'react';
import { ApiFailure } from './api.ts';
import { toFormErrors } from './mailbox-form-values.ts';

export interface FormWork {
  /** What is being done, null when nothing is. */
  readonly busy: string | null;
  readonly failure: ApiFailure | null;
  /** Does one thing; what the server refuses is shown at its fields. @returns whether it was done */
  run(what: string, work: () => Promise<void>): Promise<boolean>;
  clear(): void;
}

/** What it needs of a form, whatever its values. */
interface FormErrors {
  clearErrors(): void;
  setErrors(errors: Record<string, string>): void;
}

export function useFormWork(form: FormErrors): FormWork {
  const [busy, setBusy] = useState<string | null>(null);
  const [failure, setFailure] = useState<ApiFailure | null>(null);
  return {
    busy,
    failure,
    clear: () => setFailure(null),
    async run(what, work) {
      setBusy(what);
      setFailure(null);
      form.clearErrors();
      try {
        await work();
        return true;
      } catch (error) {
        if (!(error instanceof ApiFailure)) throw error;
        form.setErrors(toFormErrors(error.fields));
        setFailure(error);
        return false;
      } finally {
        setBusy(null);
      }
    },
  };
}

/** The sentences of the fields in place of "some fields are not right". */
export function wordsOf(failure: ApiFailure): { readonly message: string; readonly hint: string } {
  if (failure.fields.length === 0) return failure;
  return { message: failure.message, hint: failure.fields.map(({ message }) => message).join(' ') };
}
