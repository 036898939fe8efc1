import { describe, expect, it } from 'vitest';
import { type InterruptAction, InterruptKey } from '../../../src/client/terminal/interrupt-key.ts';

/** The effect of each press, given its time in ms and whether the line is empty. */
function press(...presses: ReadonlyArray<readonly [at: number, isLineEmpty: boolean]>): InterruptAction[] {
  const key = new InterruptKey();
  return presses.map(([at, isLineEmpty]) => key.press(at, isLineEmpty));
}

/** A key held from `at` on: once, then repeatedly after half a second. */
function held(at: number, isLineEmpty: boolean): Array<readonly [number, boolean]> {
  const repeats = Array.from({ length: 20 }, (_, index) => [at + 500 + index * 33, true] as const);
  return [[at, isLineEmpty], ...repeats];
}

/** True if a press quits: no other press follows at once. */
function quits(meanings: readonly InterruptAction[]): boolean {
  return meanings.at(-1) === 'quit';
}

describe('Ctrl-C', () => {
  it('clears a half-typed line, then warns, then quits', () => {
    expect(press([0, false], [1_000, true], [2_000, true])).toEqual(['clear', 'warn', 'quit']);
  });

  it('does not quit when pressed twice quickly on a half-typed line', () => {
    expect(press([0, false], [20, true])).toEqual(['clear', 'warn']);
  });

  it('quits when pressed twice quickly on an empty line', () => {
    expect(press([0, true], [20, true])).toEqual(['warn', 'quit']);
  });

  it('does not quit while it is held down', () => {
    expect(quits(press(...held(0, false)))).toBe(false);
    expect(quits(press(...held(0, true)))).toBe(false);
  });

  it('quits when pressed once more after it was held', () => {
    expect(quits(press(...held(0, true), [3_000, true]))).toBe(true);
  });

  it('warns again after another key, and after a half-typed line', () => {
    const key = new InterruptKey();
    expect(key.press(0, true)).toBe('warn');
    key.disarm();
    expect(key.press(1_000, true)).toBe('warn');
    expect(key.press(2_000, false)).toBe('clear');
    expect(key.press(3_000, true)).toBe('warn');
  });
});
