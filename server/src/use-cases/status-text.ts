/** States as sentences for people. The UI shows them as they are. */
import { errorEntry, isErrorCode } from '@mailstream/shared/errors/catalogue';
import type { PauseReason, ProviderStatus } from '@mailstream/shared/domain/provider';
import type { MessageStatus } from '../contracts/messages.ts';
import type { ProviderState } from '../contracts/providers.ts';

export function providerState(provider: {
  readonly isActive: boolean;
  readonly pauseReason: PauseReason | null;
  readonly status: ProviderStatus;
}): ProviderState {
  if (!provider.isActive) return 'inactive';
  return provider.pauseReason === null ? provider.status : 'paused';
}

/** Nothing that we try helps: somebody has to log in again. */
const LOGIN_CODES: ReadonlySet<string> = new Set([
  'IMAP_AUTH_REJECTED',
  'IMAP_CREDENTIALS_MISSING',
  'OAUTH_REAUTHORIZE',
  'SECRET_UNREADABLE',
  'VAULT_SECRET_MISSING',
]);

export function mustReconnect(provider: {
  readonly pause_reason: PauseReason | null;
  readonly status: ProviderStatus;
  readonly error_code: string | null;
}): boolean {
  if (provider.pause_reason !== null) return provider.pause_reason === 'auth_failure';
  return provider.status === 'error' && LOGIN_CODES.has(provider.error_code ?? '');
}

const PAUSED: Record<PauseReason, string> = {
  manual: 'Paused. Mail waits in the mailbox and is fetched when you resume.',
  auth_failure: 'Paused, because the mail server refused the login several times. Nothing is lost.',
  tenant_cancelled: 'Paused, because the account was closed.',
};

/** What is full or away here, while the mail server is fine. */
const OURS: ReadonlySet<string> = new Set([
  'STREAM_FULL',
  'REDIS_FULL',
  'REDIS_UNAVAILABLE',
  'STORAGE_FULL',
  'STORAGE_UNAVAILABLE',
  'DATABASE_UNAVAILABLE',
  'QUOTA_MESSAGES',
  'QUOTA_STORAGE',
]);

export function providerStatusText(
  state: ProviderState,
  pauseReason: PauseReason | null,
  errorCode: string | null,
  freshness: { readonly isStale: boolean; readonly dataAgeSeconds: number | null },
): string {
  switch (state) {
    case 'inactive':
      return 'Switched off. No mail is fetched.';
    case 'paused':
      return PAUSED[pauseReason ?? 'manual'];
    case 'configuring':
      return 'Saved. The connection is being made.';
    case 'connected':
      return freshness.isStale
        ? staleText(freshness.dataAgeSeconds)
        : 'Connected. New mail arrives by itself.';
    case 'disconnected':
      if (errorCode !== null && OURS.has(errorCode)) return `Fetching waits. ${errorText(errorCode)}`;
      return `Not connected at the moment. ${errorText(errorCode) ?? 'We keep trying.'}`;
    case 'error':
      return errorText(errorCode) ?? 'Something is wrong with this mailbox.';
  }
}

/** The connection may look fine; what counts is when the mail server last showed that all mail is here. */
function staleText(ageSeconds: number | null): string {
  if (ageSeconds === null) return 'Stale: it was never confirmed that all mail is here. We keep trying.';
  const minutes = Math.max(1, Math.floor(ageSeconds / 60));
  return `Stale: for ${minutes === 1 ? 'a minute' : `${minutes} minutes`} nothing has confirmed that all mail is here. We keep trying.`;
}

export function folderStateText(state: string, code: string | null): string {
  switch (state) {
    case 'new':
      return 'Not looked at yet.';
    case 'connecting':
      return 'Connecting.';
    case 'syncing':
      return 'Fetching mail.';
    case 'watching':
      return 'Up to date; new mail is noticed at once.';
    case 'waiting':
      return `${errorText(code) ?? 'Something went wrong.'} We try again by ourselves.`;
    default:
      return errorText(code) ?? 'This folder needs attention.';
  }
}

export function errorText(code: string | null): string | null {
  return code !== null && isErrorCode(code) ? errorEntry(code).message : null;
}

export function errorHint(code: string | null): string | null {
  return code !== null && isErrorCode(code) ? errorEntry(code).hint : null;
}

/** Of a mailbox. Where the application logs in itself, no login of a person helps. */
export function providerErrorHint(code: string | null, isApplication: boolean): string | null {
  if (isApplication && (code === 'OAUTH_REAUTHORIZE' || code === 'IMAP_CREDENTIALS_MISSING'))
    return 'Let the application into this mailbox at the mail service, and check its client secret here.';
  return errorHint(code);
}

export function messageStatusText(status: MessageStatus, reason: string | null): string {
  switch (status) {
    case 'received':
      return 'Fetched and stored; its event is about to be published.';
    case 'published':
      return 'Its event is on the stream; the worker has not taken it yet.';
    case 'processed':
      return 'Done: the worker has processed it.';
    case 'skipped':
      return `Left out on purpose${reason === null ? '' : `: ${reasonText(reason)}`}.`;
    case 'dead_letter':
      return `Could not be processed${reason === null ? '' : `: ${reasonText(reason)}`}. Its original is kept.`;
  }
}

/** A reason is a code of the catalogue, a code with what happened behind a colon, or a short text of ours. */
function reasonText(reason: string): string {
  const text = errorText(reason) ?? errorText(reason.split(':', 1)[0] ?? null) ?? reason;
  return text.replace(/\.$/, '');
}
