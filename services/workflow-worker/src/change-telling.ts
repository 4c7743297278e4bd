/** Stores that tell the pages of a tenant when they have changed what is shown there. What the stores do is not touched. */
import type { ChangeTeller } from '@mailstream/shared/db/change-teller';
import type { DeadLetters, Inbox } from './ports.ts';

type Tell = ChangeTeller['tell'];

export function tellingInbox(inbox: Inbox, tell: Tell): Inbox {
  return {
    ...inbox,
    async apply(message, options) {
      const outcome = await inbox.apply(message, options);
      if (outcome.kind === 'ticket' || outcome.kind === 'comment') {
        tell(message.tenant, 'tickets');
        tell(message.tenant, 'messages');
      }
      return outcome;
    },
  };
}

export function tellingLetters(letters: DeadLetters, tell: Tell): DeadLetters {
  return {
    ...letters,
    async keep(entry, identity, letter) {
      const result = await letters.keep(entry, identity, letter);
      if (identity !== null) tell(identity.tenant, 'messages');
      return result;
    },
  };
}
