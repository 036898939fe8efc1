/** Why the client exits. The first reason counts. Everything the client runs is raced against it. */

import type { ExitCode } from '../common/exit.ts';

export interface End {
  readonly code: ExitCode;
  /** For people, on stderr; undefined if the user asked to exit. */
  readonly text: string | undefined;
}

export class Ending {
  readonly #reached = Promise.withResolvers<End>();
  #isReached = false;

  get reached(): Promise<End> {
    return this.#reached.promise;
  }

  get isReached(): boolean {
    return this.#isReached;
  }

  end(code: ExitCode, text?: string): void {
    this.#isReached = true;
    this.#reached.resolve({ code, text });
  }
}
