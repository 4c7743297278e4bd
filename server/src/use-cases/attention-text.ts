import type { AttentionReason } from '../contracts/tickets.ts';

const TEXTS: Readonly<Record<AttentionReason, string>> = {
  sender_missing: 'The mail names no sender, so nobody can be answered.',
  sender_unverified: 'Whether the mail is really from this sender is not proven.',
  possible_reply:
    'It seems to answer another ticket, but its sender may not write there. Merge it if it belongs there.',
  client_unknown: 'The sender belongs to no client, and there is no default.',
  bounce: 'A mail of ours could not be delivered.',
  message_flood:
    'More messages came within an hour than the limit allows; they are recorded and get no answer.',
};

export function attentionText(reason: AttentionReason): string {
  return TEXTS[reason];
}
