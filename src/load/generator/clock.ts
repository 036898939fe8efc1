/** One clock for all threads of a process. */

/** `performance.now()` begins anew in each thread; the system's monotonic clock, which it runs on, does not. */
const offset = Number(process.hrtime.bigint() / 1_000n) - performance.now() * 1_000;

/** Microseconds, with a fraction, since some moment in the past that is the same for all threads. */
export function now(): number {
  return performance.now() * 1_000 + offset;
}
