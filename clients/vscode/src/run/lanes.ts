/**
 * Work on items in order, at most `concurrency` at once. No new one is begun once the signal is aborted.
 *
 * Throws what `work` throws, after those in work have ended.
 */
export async function inLanes<Item>(
  items: readonly Item[],
  concurrency: number,
  signal: AbortSignal,
  work: (item: Item) => Promise<void>,
): Promise<void> {
  const waiting = items.values();
  const errors: unknown[] = [];
  const lane = async (): Promise<void> => {
    for (const item of waiting) {
      if (signal.aborted || errors.length > 0) return;
      try {
        await work(item);
      } catch (error) {
        errors.push(error);
      }
    }
  };
  await Promise.all(Array.from({ length: Math.min(concurrency, items.length) }, lane));
  if (errors.length > 0) throw errors[0];
}
