/** One line that is being typed, and how it looks on the screen. */

import type { Key } from 'node:readline';

export interface Press {
  /** The character, if the key stands for one. */
  readonly text: string | undefined;
  readonly key: Key;
  /** False if more keys came in the same read. */
  readonly isLast: boolean;
}

export interface Editor {
  readonly text: string;
  /** Where in the text the next character goes. */
  readonly cursor: number;
  /** Carries out a key. Returns the line if the key was Enter. */
  press(press: Press): string | undefined;
  /** Inserts text without line breaks at the cursor. */
  insert(text: string): void;
  set(text: string, cursor: number): void;
  /** Draws the prompt and the line where the cursor is. */
  draw(prompt: string): void;
  /** Takes prompt and line off the screen: the cursor is where `draw` began, at the left edge. */
  erase(): void;
  /** Somebody else has written on the screen: what was drawn is not there any more. */
  forget(): void;
  close(): void;
}
