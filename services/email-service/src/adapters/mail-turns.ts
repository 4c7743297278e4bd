/**
 * Whose message is parsed next, and in which thread. Tenants take turns, and none may hold every thread: messages that make their
 * parser hang cost their own tenant its turns, and leave a thread for the others (DESIGN P4).
 *
 *   run ──▶ waits for its turn ──▶ idle thread ──▶ work ──▶ idle again
 *                                      │              └─ failed ──▶ mended ──▶ idle again
 *                                      └─ it was the last idle one: another is opened, until there are `most`
 *
 * What always holds
 * - a thread that is being opened or mended is given nothing: whoever waited for it would wait a third of a second or more, while
 *   another thread is idle long before;
 * - one is opened at a time: each needs a whole core for that long;
 * - a thread has one message, or one group, at a time.
 */
export interface TurnThreads<Thread> {
  /** Most of them, at least 1. */
  readonly most: number;
  /** Resolves when it can work. */
  open(): Promise<Thread>;
  /** Resolves when it can work again, after work in it has failed. */
  mend(thread: Thread): Promise<unknown>;
}

export class Turns<Thread> {
  readonly #threads: TurnThreads<Thread>;
  readonly #perTenant: number;
  /** Tenants in the order of their turn; a tenant with nothing waiting is not in here. */
  readonly #waiting = new Map<string, ((thread: Thread) => void)[]>();
  readonly #running = new Map<string, number>();
  readonly #idle: Thread[] = [];
  /** Those that are being opened, too. */
  #count = 0;
  #isOpening = false;
  #first: Promise<void> | null = null;
  #firstTenant: string | null = null;
  /** Mail of more than one tenant has come. */
  #isShared = false;

  constructor(threads: TurnThreads<Thread>) {
    this.#threads = threads;
    this.#perTenant = Math.max(1, threads.most - 1);
  }

  /** Nothing runs and nothing waits. */
  get isIdle(): boolean {
    return this.#running.size === 0 && this.#waiting.size === 0;
  }

  /** Resolves when the first thread can work, which is opened once. @throws what keeps it from being opened, each time */
  async ready(): Promise<void> {
    this.#first ??= this.#open();
    await this.#first;
  }

  /**
   * Runs `work` when it is the tenant's turn.
   * @throws what `ready` does; what `work` does; the signal's reason when that aborts first
   */
  async run<T>(tenant: string, signal: AbortSignal, work: (thread: Thread) => Promise<T>): Promise<T> {
    // Where no thread can be opened no message is to blame.
    await this.ready();
    this.#firstTenant ??= tenant;
    this.#isShared ||= tenant !== this.#firstTenant;
    const thread = await this.#turn(tenant, signal);
    let isWhole = false;
    try {
      const result = await work(thread);
      isWhole = true;
      return result;
    } finally {
      this.#end(tenant);
      const free = (): void => this.#free(thread);
      if (isWhole) free();
      // One that cannot be mended is as good as it was: the next message in it finds out.
      else void this.#threads.mend(thread).then(free, free);
      this.#serve();
    }
  }

  async #turn(tenant: string, signal: AbortSignal): Promise<Thread> {
    signal.throwIfAborted();
    return await new Promise<Thread>((resolve, reject) => {
      const queue = this.#waiting.get(tenant) ?? [];
      const begin = (thread: Thread): void => {
        signal.removeEventListener('abort', leave);
        resolve(thread);
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
      this.#serve();
    });
  }

  #start(tenant: string): void {
    this.#running.set(tenant, (this.#running.get(tenant) ?? 0) + 1);
  }

  #end(tenant: string): void {
    const running = (this.#running.get(tenant) ?? 1) - 1;
    if (running === 0) this.#running.delete(tenant);
    else this.#running.set(tenant, running);
  }

  #mayStart(tenant: string): boolean {
    return (this.#running.get(tenant) ?? 0) < this.#perTenant;
  }

  #free(thread: Thread): void {
    this.#idle.push(thread);
    this.#serve();
  }

  /** Gives what is idle to those whose turn it is. Another thread is opened before somebody waits for it, where that is possible. */
  #serve(): void {
    for (const [tenant, queue] of this.#waiting) {
      if (!this.#mayStart(tenant)) continue;
      const thread = this.#idle.pop();
      if (thread === undefined) break;
      const begin = queue.shift();
      // To the end of the line, where the loop comes to it again, or out of it.
      this.#waiting.delete(tenant);
      if (queue.length > 0) this.#waiting.set(tenant, queue);
      this.#start(tenant);
      begin?.(thread);
    }
    if (this.#idle.length === 0) this.#openAnother();
  }

  #openAnother(): void {
    if (this.#isOpening || this.#count >= this.#threads.most) return;
    // Only another tenant may have it where one has all that it may have.
    const tenants = [...this.#waiting.keys(), ...this.#running.keys()];
    if (!this.#isShared && !tenants.some((tenant) => this.#mayStart(tenant))) return;
    // Where it fails those that wait get the others.
    this.#open().catch(() => undefined);
  }

  async #open(): Promise<void> {
    this.#isOpening = true;
    this.#count += 1;
    try {
      const thread = await this.#threads.open();
      this.#isOpening = false;
      this.#free(thread);
    } catch (error) {
      this.#isOpening = false;
      this.#count -= 1;
      throw error;
    }
  }
}
