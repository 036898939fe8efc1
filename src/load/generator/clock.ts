/** One clock for all threads of a process. */

/** `performance.now()` starts at 0 in each thread; the monotonic system clock that it is based on does not. */
const offset = Number(process.hrtime.bigint() / 1_000n) - performance.now() * 1_000;

/** Microseconds, with a fraction, since an arbitrary time in the past that is the same for all threads. */
export function now(): number {
  return performance.now() * 1_000 + offset;
}
