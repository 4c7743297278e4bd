/** Who goes next, of many who want one of a few places: in the order of asking, and of each tenant one at a time. */
export class TenantTurns {
  readonly #waiting: { readonly tenant: string; readonly begin: () => void }[] = [];
  readonly #running = new Set<string>();
  readonly #places: number;

  constructor(places: number) {
    this.#places = places;
  }

  /** Runs `work` when it is the tenant's turn. */
  async run<T>(tenant: string, work: () => Promise<T>): Promise<T> {
    await new Promise<void>((begin) => {
      this.#waiting.push({ tenant, begin });
      this.#next();
    });
    try {
      return await work();
    } finally {
      this.#running.delete(tenant);
      this.#next();
    }
  }

  #next(): void {
    while (this.#running.size < this.#places) {
      const at = this.#waiting.findIndex(({ tenant }) => !this.#running.has(tenant));
      const [chosen] = at === -1 ? [] : this.#waiting.splice(at, 1);
      if (chosen === undefined) return;
      this.#running.add(chosen.tenant);
      chosen.begin();
    }
  }
}
