/** Handles Ctrl-C and SIGTERM: the first one ends the run in order, the second one exits immediately. */

import { EXIT } from '../../common/exit.ts';

export interface Interrupts {
  readonly signal: AbortSignal;
  /** Has the same effect as the first Ctrl-C. */
  interrupt(): void;
  /** Resolves after that time, or when the run is interrupted. */
  pause(ms: number): Promise<void>;
  /** Restores the default effect of the signals. */
  release(): void;
}

export function catchInterrupts(): Interrupts {
  const controller = new AbortController();
  const { signal } = controller;
  const onSignal = (): void => {
    if (signal.aborted) process.exit(EXIT.interrupted);
    controller.abort();
  };
  process.on('SIGINT', onSignal).on('SIGTERM', onSignal);
  return {
    signal,
    interrupt: () => controller.abort(),
    pause: (ms) =>
      new Promise((resolve) => {
        const settle = (): void => {
          clearTimeout(timer);
          signal.removeEventListener('abort', settle);
          resolve();
        };
        const timer = setTimeout(settle, ms);
        signal.addEventListener('abort', settle);
        if (signal.aborted) settle();
      }),
    release: () => void process.off('SIGINT', onSignal).off('SIGTERM', onSignal),
  };
}
