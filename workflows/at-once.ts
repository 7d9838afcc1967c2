/**
 * Carries out an action for each item, so many at the same time, in the items' order.
 *
 * @throws what the first one that fails throws; those under way are not waited for
 */
export async function atOnce<T>(
  items: readonly T[],
  atOnceMax: number,
  action: (item: T) => Promise<void>,
): Promise<void> {
  const queue = [...items];
  const drain = async () => {
    for (let next = queue.shift(); next !== undefined; next = queue.shift()) await action(next);
  };
  await Promise.all(Array.from({ length: atOnceMax }, drain));
}
