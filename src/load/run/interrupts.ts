/** Ctrl-C and SIGTERM in a load test: the first one ends it in order, the second one at once. */

import { EXIT } from '../../common/exit.ts';

export interface Interrupts {
  readonly signal: AbortSignal;
  /** As if the user had. */
  interrupt(): void;
  /** Resolves after that time, or when it is interrupted. */
  pause(ms: number): Promise<void>;
  /** From here on signals have their usual force again. */
  end(): void;
}

export function catchInterrupts(): Interrupts {
  const controller = new AbortController();
  const { signal } = controller;
  const obey = (): void => {
    if (signal.aborted) process.exit(EXIT.interrupted);
    controller.abort();
  };
  process.on('SIGINT', obey).on('SIGTERM', obey);
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
    end: () => void process.off('SIGINT', obey).off('SIGTERM', obey),
  };
}
