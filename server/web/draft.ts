/**
 * What was typed into a form, kept in this tab while the browser is away at a login service. No secret is in it: these are entered again, or
 * the login has them.
 */
import type { Autoconfig } from '../src/contracts/autoconfig.ts';
import type { MailboxValues } from './mailbox-form-values.ts';

export interface Draft {
  readonly values: MailboxValues;
  readonly found: Autoconfig | null;
}

const PREFIX = 'mailstream.draft.';

/** @param key of the form: the mailbox's id, or `new` */
export function keepDraft(key: string, { values, found }: Draft): void {
  const safe = { ...values, password: '', oauthClientSecret: '', oauthRefreshToken: '' };
  sessionStorage.setItem(PREFIX + key, JSON.stringify({ values: safe, found }));
}

/** Changes nothing: a page that is being drawn may be drawn twice. */
export function readDraft(key: string): Draft | null {
  const text = sessionStorage.getItem(PREFIX + key);
  return text === null ? null : (JSON.parse(text) as Draft);
}

export function dropDraft(key: string): void {
  sessionStorage.removeItem(PREFIX + key);
}

/** The login that the browser has come back from, by the page's address. */
export function returnedAuthorization(): string | null {
  return new URLSearchParams(location.search).get('authorization');
}
