/**
 * Virtual time. Everything that happens is a task with a time; one task runs at a time, the earliest first, and before the next
 * one all microtasks of the code under test have run. Nothing else decides the order: the same seed gives the same schedule.
 *
 * A task may belong to a process of the simulation. Tasks of one that was killed vanish; those of one that is paused wait until it
 * goes on (SIGSTOP: its replies and timers are withheld while time passes).
 */
export interface Owner {
  readonly name: string;
  readonly isAlive: boolean;
  readonly pausedUntilMs: number;
}

interface Task {
  atMs: number;
  readonly order: number;
  readonly owner: Owner | null;
  readonly label: string;
  action: (() => void) | null;
}

/** Lines of a trace that are kept for a report. */
const KEPT_LINES = 2_000;

export class Scheduler {
  readonly #heap: Task[] = [];
  readonly #trace: string[] = [];
  readonly isTracing: boolean;
  /** Called after the microtasks of a process's task have run. */
  afterTurn: () => void = () => undefined;
  #nowMs = 0;
  #order = 0;
  #steps = 0;
  #digest = 0;

  constructor(options: { readonly trace: boolean }) {
    this.isTracing = options.trace;
  }

  get nowMs(): number {
    return this.#nowMs;
  }

  get steps(): number {
    return this.#steps;
  }

  /** Of times, order and labels of all tasks so far: equal for equal schedules. */
  get digest(): number {
    return this.#digest >>> 0;
  }

  get lastLines(): readonly string[] {
    return this.#trace;
  }

  /** Adds a line to the trace; build the text only when `isTracing`. */
  note(text: string): void {
    if (!this.isTracing) return;
    this.#trace.push(`${this.#nowMs.toFixed(1).padStart(9)} ${text}`);
    if (this.#trace.length > KEPT_LINES) this.#trace.shift();
  }

  /** @returns cancels it; harmless when it has run. */
  after(delayMs: number, owner: Owner | null, label: string, action: () => void): () => void {
    this.#order += 1;
    const task: Task = {
      atMs: this.#nowMs + Math.max(0, delayMs),
      order: this.#order,
      owner,
      label,
      action,
    };
    this.#push(task);
    return () => {
      task.action = null;
    };
  }

  /** Runs until nothing is left or `isOver`, which is asked before each task. */
  run(isOver: () => boolean): Promise<void> {
    return new Promise((resolve, reject) => {
      const turn = (): void => {
        try {
          this.afterTurn();
          for (;;) {
            if (isOver()) return resolve();
            const task = this.#pop();
            if (task === null) return resolve();
            // The code under test goes on in microtasks: they all run before the next immediate.
            if (this.#execute(task)) return void setImmediate(turn);
          }
        } catch (error) {
          reject(error instanceof Error ? error : new Error(String(error)));
        }
      };
      setImmediate(turn);
    });
  }

  /** @returns whether code of a process ran. */
  #execute(task: Task): boolean {
    const { owner, action } = task;
    this.#nowMs = Math.max(this.#nowMs, task.atMs);
    if (action === null || owner?.isAlive === false) return false;
    if (owner !== null && owner.pausedUntilMs > this.#nowMs) {
      task.atMs = owner.pausedUntilMs;
      this.#push(task);
      return false;
    }
    task.action = null;
    this.#steps += 1;
    this.#digest =
      (Math.imul(this.#digest ^ (task.order + task.label.length), 0x0100_0193) + this.#nowMs * 1000) | 0;
    if (this.isTracing && task.label !== '') this.note(`${owner?.name ?? '-'} ${task.label}`);
    action();
    return owner !== null;
  }

  #push(task: Task): void {
    const heap = this.#heap;
    let index = heap.length;
    heap.push(task);
    while (index > 0) {
      const parent = (index - 1) >> 1;
      if (!isBefore(task, heap[parent] as Task)) break;
      heap[index] = heap[parent] as Task;
      index = parent;
    }
    heap[index] = task;
  }

  #pop(): Task | null {
    const heap = this.#heap;
    const first = heap[0];
    const last = heap.pop();
    if (first === undefined || last === undefined) return null;
    if (heap.length === 0) return first;
    let index = 0;
    for (;;) {
      let child = 2 * index + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && isBefore(heap[child + 1] as Task, heap[child] as Task)) child += 1;
      if (!isBefore(heap[child] as Task, last)) break;
      heap[index] = heap[child] as Task;
      index = child;
    }
    heap[index] = last;
    return first;
  }
}

function isBefore(a: Task, b: Task): boolean {
  return a.atMs < b.atMs || (a.atMs === b.atMs && a.order < b.order);
}
