/** Limits of one tenant. Days are those of UTC. */
export const QUOTA_KINDS = [
  'mailboxes',
  'folders',
  'messagesPerDay',
  'storageBytes',
  'apiCallsPerDay',
] as const;

export type QuotaKind = (typeof QUOTA_KINDS)[number];

/** Null is no limit. */
export type TenantQuota = Readonly<Record<QuotaKind, number | null>>;

export const NO_QUOTA: TenantQuota = {
  mailboxes: null,
  folders: null,
  messagesPerDay: null,
  storageBytes: null,
  apiCallsPerDay: null,
};

/** Codes of the error catalogue. */
export const QUOTA_CODES = {
  mailboxes: 'QUOTA_MAILBOXES',
  folders: 'QUOTA_FOLDERS',
  messagesPerDay: 'QUOTA_MESSAGES',
  storageBytes: 'QUOTA_STORAGE',
  apiCallsPerDay: 'QUOTA_API_CALLS',
} as const satisfies Record<QuotaKind, string>;
