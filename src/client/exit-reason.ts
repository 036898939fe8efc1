/** Why the client exits. The first reason counts. Everything the client runs is raced against it. */

import type { ExitCode } from '../common/exit.ts';

export interface Exit {
  readonly code: ExitCode;
  /** For people, on stderr; undefined if the user asked to exit. */
  readonly text: string | undefined;
}

export class ExitReason {
  readonly #reached = Promise.withResolvers<Exit>();
  #isReached = false;

  get reached(): Promise<Exit> {
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
