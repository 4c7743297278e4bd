/** Names of the BullMQ queues. The braces keep all their keys in one slot of a Redis cluster. */
export const QUEUE_PREFIX = '{mailstream}';
export const MAIL_QUEUE = 'outgoing-mail';
export const JOB_QUEUE = 'jobs';
