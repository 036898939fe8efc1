/** Turns Ctrl-C into an abort signal, so that a measurement can stop its servers and remove its temporary folders. */

/** Aborts at the first Ctrl-C or SIGTERM; the second one exits immediately. */
export function catchInterruption(): AbortSignal {
  const interrupted = new AbortController();
  const interrupt = (): void => interrupted.abort(new Error('interrupted'));
  process.once('SIGINT', interrupt).once('SIGTERM', interrupt);
  return interrupted.signal;
}
