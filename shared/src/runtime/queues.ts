/** Names of the BullMQ queues. The braces keep all their keys in one slot of a Redis cluster. */
export const QUEUE_PREFIX = '{mailstream}';
export const MAIL_QUEUE = 'outgoing-mail';
export const JOB_QUEUE = 'jobs';
/**
 * Of every queue and worker. BullMQ asks Redis for its version once, as it begins, and is of no use for ever when that one question fails.
 * The oldest Redis that we support has all that it would look for.
 */
export const QUEUE_SETTINGS = { prefix: QUEUE_PREFIX, skipVersionCheck: true } as const;
