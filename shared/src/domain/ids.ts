/**
 * Branded identifiers: a plain string cannot be passed where a tenant is expected.
 * The constructors check the format and throw `TypeError` with the offending kind, never the value of a secret.
 */
declare const brand: unique symbol;
type Branded<Base, Name extends string> = Base & { readonly [brand]: Name };

/** UUID of a tenant, lower case. */
export type TenantId = Branded<string, 'TenantId'>;
/** UUID of an email provider (one connected mailbox), lower case. */
export type ProviderId = Branded<string, 'ProviderId'>;
/** Random per process start; never a host name, so that a restarted process does not inherit a term. */
export type InstanceId = Branded<string, 'InstanceId'>;

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

function uuid(kind: string, value: string): string {
  const lower = value.toLowerCase();
  if (!UUID.test(lower)) throw new TypeError(`${kind} is not a UUID`);
  return lower;
}

/** @throws TypeError when `value` is not a UUID. */
export function tenantId(value: string): TenantId {
  return uuid('tenant', value) as TenantId;
}

/** @throws TypeError when `value` is not a UUID. */
export function providerId(value: string): ProviderId {
  return uuid('provider id', value) as ProviderId;
}

/** @throws TypeError when `value` is not a UUID. */
export function instanceId(value: string): InstanceId {
  return uuid('instance id', value) as InstanceId;
}
