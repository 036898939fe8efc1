/** Writes to a projection as a batch of the log does, without deciding anything. */

import type { Account } from '../../src/chat/directory.ts';
import type { Draft, Entry } from '../../src/chat/entry.ts';
import type { NewAccount, Projection, Stored } from '../../src/chat/projection.ts';

export interface Changes {
  readonly accounts?: readonly NewAccount[];
  readonly drafts?: readonly Draft[];
  readonly retired?: readonly Account[];
}

export interface Written {
  readonly accounts: readonly Account[];
  readonly entries: readonly Entry[];
}

/** One transaction. `at`: the wall clock time for all of it. */
export function tryAppend(projection: Projection, changes: Changes, at = Date.now()): Stored<Written> {
  const { accounts = [], drafts = [], retired = [] } = changes;
  return projection.transact((write) => {
    const begun = accounts.map((account) => write.begin(account));
    const entries = drafts.map((draft) => write.entry(draft, at));
    for (const account of retired) write.end(account);
    return { accounts: begun, entries };
  });
}

/** Like `tryAppend`; throws if it cannot be stored. */
export function append(projection: Projection, changes: Changes, at?: number): Written {
  const stored = tryAppend(projection, changes, at);
  if (stored.type !== 'committed') throw new Error(`the projection could not be written: ${stored.type}`);
  return stored.value;
}
