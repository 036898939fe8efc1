/** A time in which a disk fails, and what it may wait for to begin. */

import type { Pick } from '../../support/random.ts';

export interface Trouble {
  readonly title: string;
  /** Resolves at its moment. */
  when(scene: Scene): Promise<void>;
  begin(): void;
  /** Called again and again while it lasts. */
  keep(): void;
  end(): void;
}

export interface Scene {
  readonly data: string;
  readonly pick: Pick;
  /** How many messages have been acknowledged. */
  readonly stored: () => number;
  /** Has everybody say a lot at once. */
  readonly burst: () => void;
}
