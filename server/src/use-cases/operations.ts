/** What an operator can ask the daemon for, over one mailbox or all of the tenant: look now, or connect anew with fresh settings. */
import { providerId, type ProviderId } from '@mailstream/shared/domain/ids';
import { ApiError } from '../api-error.ts';
import type { Actor, OperationsStore, ProviderStore } from '../ports.ts';

export interface OperationsUseCases {
  /** Both return how many mailboxes were told. */
  forcePoll(actor: Actor, id: string | undefined): Promise<number>;
  restart(actor: Actor, id: string | undefined): Promise<number>;
}

export function createOperationsUseCases(ports: {
  readonly operations: Pick<OperationsStore, 'running'>;
  readonly providers: Pick<ProviderStore, 'change'>;
}): OperationsUseCases {
  const tell = (action: string, bumpsConfig: boolean) => {
    return async (actor: Actor, id: string | undefined): Promise<number> => {
      const ids: readonly ProviderId[] =
        id === undefined ? await ports.operations.running(actor.tenant) : [providerId(id)];
      let told = 0;
      for (const one of ids) {
        const result = await ports.providers.change(actor, one, ({ settings }) => ({
          action,
          settings,
          status: null,
          pause: 'keep',
          secretsToWrite: {},
          secretsToRemove: [],
          grant: null,
          bumpsConfig,
          bumpsPoke: !bumpsConfig,
        }));
        if (result.kind === 'changed') told += 1;
        else if (id !== undefined) throw new ApiError('NOT_FOUND');
      }
      return told;
    };
  };
  return { forcePoll: tell('provider.polled', false), restart: tell('provider.restarted', true) };
}
