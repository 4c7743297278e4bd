/**
 * A place outside the database where secrets that people enter are kept, such as a vault of the operator's. The row in
 * `provider_secrets` then holds a pointer to one version of it, so that settings and their secrets still change as one:
 *
 *   put a new version ──▶ pointer into the row ──▶ COMMIT ───▶ the version before is destroyed
 *                                              └─▶ ROLLBACK ─▶ the new version is destroyed
 *
 * Nobody reads a version that no row points to, so a process that dies in between does no harm.
 */
import type { SecretName, SecretRef } from './secret-ref.ts';
import type { SecretValue } from './secret-value.ts';

export interface SecretKeeper {
  /** Letters, digits, "_" and "-": rows name it. */
  readonly name: string;
  /** False for secrets that stay sealed in the database. */
  keeps(name: SecretName): boolean;
  /**
   * Stores a new version beside those before it.
   * @returns pointer to it: text without line breaks, and without anything secret
   * @throws FaultError of the keeper
   */
  put(ref: SecretRef, value: SecretValue): Promise<string>;
  /** @throws FaultError of the keeper, also where that version is gone */
  get(ref: SecretRef, pointer: string): Promise<SecretValue>;
  /** Removes the data of one version for good; does nothing where it is gone. @throws FaultError of the keeper */
  destroy(ref: SecretRef, pointer: string): Promise<void>;
}

export interface KeptSecret {
  readonly keeper: string;
  readonly pointer: string;
}

const KEPT = /^kept\.([A-Za-z0-9_-]{1,32})\.([\x21-\x7e]{1,500})$/;

/** What a row holds in place of a sealed secret. */
export function keptText({ keeper, pointer }: KeptSecret): string {
  return `kept.${keeper}.${pointer}`;
}

/** Null for any other text, sealed secrets among it. */
export function parseKept(text: string): KeptSecret | null {
  const [, keeper, pointer] = KEPT.exec(text) ?? [];
  return keeper === undefined || pointer === undefined ? null : { keeper, pointer };
}
