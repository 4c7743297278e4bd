/** BullMQ waits for Redis before it closes; a process that stops cannot, where Redis is away. */
export async function closeWithin(ms: number, ...closings: readonly Promise<unknown>[]): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, ms);
  });
  await Promise.race([Promise.allSettled(closings), late]).finally(() => clearTimeout(timer));
}
