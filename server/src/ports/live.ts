/** What open pages are told. Types only. */
import type { ChangeTopic } from '@mailstream/shared/db/notices';
import type { TenantId } from '@mailstream/shared/domain/ids';

/** What is shown to the people of a tenant has changed. */
export interface ChangeFeed {
  /** @returns ends the subscription */
  subscribe(tenant: TenantId, listener: (topic: ChangeTopic) => void): () => void;
}
