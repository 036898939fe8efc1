/** A period in which the disk fails, and the condition on which it begins. */

import type { Pick } from '../../support/random.ts';

export interface FaultWindow {
  readonly title: string;
  /** Resolves when the fault is due. */
  when(scene: FaultScene): Promise<void>;
  begin(): void;
  /** Called repeatedly while the fault lasts. */
  keep(): void;
  end(): void;
}

export interface FaultScene {
  readonly data: string;
  readonly pick: Pick;
  /** Messages acknowledged so far. */
  readonly stored: () => number;
  /** Makes everybody send many messages at once. */
  readonly burst: () => void;
}
