/** Ctrl-C, as a signal that a measurement can end at in order: servers stopped, temporary folders removed. */

/** Aborted at the first Ctrl-C or SIGTERM; the second one ends the program at once. */
export function catchInterruption(): AbortSignal {
  const interrupted = new AbortController();
  const interrupt = (): void => interrupted.abort(new Error('interrupted'));
  process.once('SIGINT', interrupt).once('SIGTERM', interrupt);
  return interrupted.signal;
}
