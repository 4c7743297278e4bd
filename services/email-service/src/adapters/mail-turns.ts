/**
 * Whose message is parsed next. Tenants take turns, and none may hold every thread: messages that make their parser hang cost
 * their own tenant its turns, and leave a thread for the others (DESIGN P4).
 */
export class Turns {
  readonly #total: number;
  readonly #perTenant: number;
  /** Tenants in the order of their turn; a tenant with nothing waiting is not in here. */
  readonly #waiting = new Map<string, (() => void)[]>();
  readonly #running = new Map<string, number>();
  #free: number;

  /** @param total threads */
  constructor(total: number) {
    this.#total = total;
    this.#free = total;
    this.#perTenant = Math.max(1, total - 1);
  }

  get idle(): boolean {
    return this.#free === this.#total && this.#waiting.size === 0;
  }

  /** Runs `work` when it is the tenant's turn. Rejects with the signal's reason when that aborts first. */
  async run<T>(tenant: string, signal: AbortSignal, work: () => Promise<T>): Promise<T> {
    await this.#turn(tenant, signal);
    try {
      return await work();
    } finally {
      this.#end(tenant);
    }
  }

  async #turn(tenant: string, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    if (this.#canStart(tenant) && !this.#waiting.has(tenant)) {
      this.#start(tenant);
      return;
    }
    await new Promise<void>((resolve, reject) => {
      const queue = this.#waiting.get(tenant) ?? [];
      const begin = (): void => {
        signal.removeEventListener('abort', leave);
        resolve();
      };
      const leave = (): void => {
        const at = queue.indexOf(begin);
        if (at !== -1) queue.splice(at, 1);
        if (queue.length === 0) this.#waiting.delete(tenant);
        reject(signal.reason as Error);
      };
      queue.push(begin);
      this.#waiting.set(tenant, queue);
      signal.addEventListener('abort', leave, { once: true });
    });
  }

  #end(tenant: string): void {
    const running = (this.#running.get(tenant) ?? 1) - 1;
    if (running === 0) this.#running.delete(tenant);
    else this.#running.set(tenant, running);
    this.#free++;
    for (const [next, queue] of this.#waiting) {
      if (!this.#canStart(next)) continue;
      const begin = queue.shift();
      // To the end of the line, or out of it.
      this.#waiting.delete(next);
      if (queue.length > 0) this.#waiting.set(next, queue);
      this.#start(next);
      begin?.();
      return;
    }
  }

  #canStart(tenant: string): boolean {
    return this.#free > 0 && (this.#running.get(tenant) ?? 0) < this.#perTenant;
  }

  #start(tenant: string): void {
    this.#free--;
    this.#running.set(tenant, (this.#running.get(tenant) ?? 0) + 1);
  }
}
