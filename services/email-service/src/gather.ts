import type { TenantId } from '@mailstream/shared/domain/ids';

/**
 * Gathers calls that come while one is under way into the next: a burst costs a few statements, a single call waits for nobody.
 * One piece of work at a time, so a burst never takes more than one connection. When it fails, each of its calls fails.
 */
export function gather<Item, Answer>(
  /** Answers in the order of the items. */
  perform: (items: readonly Item[]) => Promise<readonly Answer[]>,
  maxItems: number,
): (item: Item) => Promise<Answer> {
  let waiting: Call<Item, Answer>[] = [];
  let isRunning = false;

  const run = async (): Promise<void> => {
    isRunning = true;
    while (waiting.length > 0) {
      const calls = waiting.slice(0, maxItems);
      waiting = waiting.slice(maxItems);
      try {
        const answers = await perform(calls.map((call) => call.item));
        for (const [index, call] of calls.entries()) call.resolve(answers[index] as Answer);
      } catch (error) {
        for (const call of calls) call.reject(error);
      }
    }
    isRunning = false;
  };

  return (item) =>
    new Promise((resolve, reject) => {
      waiting.push({ item, resolve, reject });
      if (!isRunning) void run();
    });
}

/**
 * The same for each tenant by itself: a statement sees the rows of one only. Mailboxes of a large tenant that begin at the same
 * moment are asked about together, and hold up nobody else.
 */
export function gatherPerTenant<Item extends { readonly tenant: TenantId }, Answer>(
  perform: (tenant: TenantId, items: readonly Item[]) => Promise<readonly Answer[]>,
  maxItems: number,
): (item: Item) => Promise<Answer> {
  const tenants = new Map<TenantId, { readonly ask: (item: Item) => Promise<Answer>; calls: number }>();
  return async (item) => {
    const { tenant } = item;
    const own = tenants.get(tenant) ?? {
      ask: gather<Item, Answer>((items) => perform(tenant, items), maxItems),
      calls: 0,
    };
    tenants.set(tenant, own);
    own.calls += 1;
    try {
      return await own.ask(item);
    } finally {
      own.calls -= 1;
      if (own.calls === 0) tenants.delete(tenant);
    }
  };
}

interface Call<Item, Answer> {
  readonly item: Item;
  readonly resolve: (answer: Answer) => void;
  readonly reject: (error: unknown) => void;
}
