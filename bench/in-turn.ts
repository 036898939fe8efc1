/** Does `work` for each of them in order, with `width` of them at work at a time. */
export async function inTurn<T>(
  all: readonly T[],
  width: number,
  work: (one: T, index: number) => Promise<unknown>,
): Promise<void> {
  const rest = all.entries();
  const worker = async (): Promise<void> => {
    for (const [index, one] of rest) await work(one, index);
  };
  await Promise.all(Array.from({ length: Math.min(width, all.length) }, worker));
}
