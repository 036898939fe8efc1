/** Changes of accounts, their outcomes, and what a store contains after them. */

import { expect } from 'vitest';
import type { AccountChange, AccountStore, ChangeOutcome } from '../../../src/store/accounts.ts';
import { AT, hashOf } from './users-folder.ts';

export function change(name: string, seed: number): AccountChange {
  return { name, hash: hashOf(seed), at: AT };
}

/** Every change that was tried, in order, with its outcome. */
export type Run = Array<readonly [AccountChange, ChangeOutcome]>;

/** Appends all of them at the same moment. */
export async function appendAll(store: AccountStore, changes: readonly AccountChange[]): Promise<Run> {
  return Promise.all(changes.map(async (one) => [one, await store.append(one)] as const));
}

/** The accounts after these changes, as sorted lines: `toContainEqual` considers any two maps equal. */
export function fold(changes: readonly AccountChange[]): string[] {
  const state = new Map<string, string>();
  for (const { name, hash } of changes) state.set(name.toLowerCase(), `${name} ${hash}`);
  return [...state.values()].sort();
}

export function stateOf(store: AccountStore): string[] {
  return [...store.names()].map((name) => `${name} ${store.find(name)?.hash}`).sort();
}

/** What was stored is there and, unless `exact`, possibly changes at the end whose outcome is unknown. */
export function expectState(store: AccountStore, outcomes: Run, how: 'exact' | 'open end'): void {
  const stored = outcomes.filter(([, outcome]) => outcome === 'stored').map(([one]) => one);
  const lastStored = outcomes.findLastIndex(([, outcome]) => outcome === 'stored');
  const open = outcomes.slice(lastStored + 1).filter(([, outcome]) => outcome === 'storage_failed');
  const possible = how === 'exact' ? [0] : open.map((_, i) => i + 1).concat(0);
  const states = possible.map((count) => fold([...stored, ...open.slice(0, count).map(([one]) => one)]));
  expect(states).toContainEqual(stateOf(store));
}
