/** The end of the client: the first reason counts. Whatever runs is raced against it. */

import type { ExitCode } from '../exit.ts';

export interface End {
  readonly code: ExitCode;
  /** For people, on stderr; nothing where the end was asked for. */
  readonly text: string | undefined;
}

export class Ending {
  readonly #reached = Promise.withResolvers<End>();

  get reached(): Promise<End> {
    return this.#reached.promise;
  }

  end(code: ExitCode, text?: string): void {
    this.#reached.resolve({ code, text });
  }
}
