import type { TenantId } from '@mailstream/shared/domain/ids';
import type { BackPressure } from './back-pressure.ts';
import type { RuntimeDeps } from './provider-runtime.ts';
import type { TenantQuotas } from './tenant-quotas.ts';

export interface Held {
  readonly pressure: BackPressure;
  readonly quotas: TenantQuotas;
  readonly stream: string;
  readonly tenant: TenantId;
}

/** What a provider's listeners are given: they wait while something is full, and fetch no more than there is room for. */
export function underPressure(deps: RuntimeDeps, { pressure, quotas, stream, tenant }: Held): RuntimeDeps {
  const { limits } = deps.ingest;
  const bounded = {
    ...limits,
    room: () => Math.min(limits.room(), pressure.room(stream), quotas.room(tenant)),
  };
  const heldBy = (): string | null => pressure.heldBy(stream) ?? quotas.heldBy(tenant);
  return {
    ...deps,
    ingest: { ...deps.ingest, limits: bounded },
    listener: { ...deps.listener, pressure: { heldBy, noted: pressure.noted } },
  };
}
