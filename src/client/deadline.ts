/** A wait that ends, whatever it waits for. */

/** What the promise resolves with, or `late` when it has not after `timeoutMs`. */
export async function within<T>(promise: Promise<T>, timeoutMs: number, late: T): Promise<T> {
  const reached = Promise.withResolvers<T>();
  const deadline = setTimeout(reached.resolve, timeoutMs, late);
  try {
    return await Promise.race([promise, reached.promise]);
  } finally {
    clearTimeout(deadline);
  }
}
