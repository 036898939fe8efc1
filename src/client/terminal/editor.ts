/** Edits one line and draws it on the screen. */

import type { Key } from 'node:readline';

export interface Press {
  /** The character, if the key stands for one. */
  readonly text: string | undefined;
  readonly key: Key;
  /** False if more keys arrived in the same read. */
  readonly isLast: boolean;
}

export interface Editor {
  readonly text: string;
  /** The position in the text where the next character is inserted. */
  readonly cursor: number;
  /** Handles a key. Returns the line if the key was Enter. */
  press(press: Press): string | undefined;
  /** Inserts text without line breaks at the cursor. */
  insert(text: string): void;
  set(text: string, cursor: number): void;
  /** Draws the prompt and the line at the cursor's position on the screen. */
  draw(prompt: string): void;
  /** Erases the prompt and the line, and leaves the cursor at the left edge where `draw` began. */
  erase(): void;
  /** Call when something else has written to the screen, so that what was drawn is gone. */
  forget(): void;
  close(): void;
}
