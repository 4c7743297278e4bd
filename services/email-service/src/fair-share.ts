/**
 * How much of the whole this instance holds and how much it should, by weight (folders).
 * Kept up as leases change hands, never counted anew: there may be 10,000 of them, and every bid asks.
 */
export class FairShare {
  readonly #providers = new Map<string, { weight: number; isHeld: boolean }>();
  #total = 0;
  #held = 0;
  #instances = 1;

  /** Instances that run, this one included. */
  get instances(): number {
    return this.#instances;
  }

  set instances(count: number) {
    this.#instances = Math.max(1, count);
  }

  /** What this instance should hold at most; rounded up, so that all shares together cover the whole. */
  get share(): number {
    return Math.ceil(this.#total / this.#instances);
  }

  /** What it holds above its share; 0 or less when there is nothing to give away. */
  get surplus(): number {
    return this.#instances < 2 ? 0 : this.#held - this.share;
  }

  /** Counts the provider as held if that fits into the share. @returns whether it does */
  claim(key: string): boolean {
    const known = this.#providers.get(key);
    if (this.#held - (known?.isHeld === true ? known.weight : 0) >= this.share) return false;
    this.hold(key, true);
    return true;
  }

  weightOf(key: string): number {
    return this.#providers.get(key)?.weight ?? 0;
  }

  weigh(key: string, weight: number): void {
    const known = this.#providers.get(key) ?? { weight: 0, isHeld: false };
    this.#total += weight - known.weight;
    if (known.isHeld) this.#held += weight - known.weight;
    this.#providers.set(key, { weight, isHeld: known.isHeld });
  }

  /** Ours, or about to be. */
  hold(key: string, isHeld: boolean): void {
    const known = this.#providers.get(key);
    if (known === undefined || known.isHeld === isHeld) return;
    known.isHeld = isHeld;
    this.#held += isHeld ? known.weight : -known.weight;
  }

  forget(key: string): void {
    this.weigh(key, 0);
    this.#providers.delete(key);
  }
}
