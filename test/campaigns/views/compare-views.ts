/** Compares what a client was shown with what it must be shown, and describes the difference. */

import type { ExpectedViews } from './expected-view.ts';
import { type Item, type ObservedView, show } from './observed-view.ts';
import type { Report, ViewFault } from './view-faults.ts';

interface Fault {
  /** How many entries before the fault were right. */
  readonly place: number;
  readonly kind: ViewFault;
  readonly text: string;
}

/** Compares what was shown since the last call. What follows a fault is not compared. */
export function checkView(view: ObservedView, expected: ExpectedViews, report: Report): void {
  const accounts = expected.accountsNamed(view.user);
  const faults: Fault[] = [];
  // A guest's name may have belonged to several accounts; one of them must fit.
  for (const account of accounts.length === 0 ? [0] : accounts) {
    const fault = compare(view, expected.of(account), expected);
    if (fault === undefined) {
      view.settle(beginOf(view, expected.of(account)) + view.items.length);
      checkHashes(view, account, expected, report);
      return;
    }
    faults.push(fault);
  }
  // If several fit equally well, the newest account is the most likely owner of the view.
  const nearest = faults.reduce((a, b) => (b.place >= a.place ? b : a));
  report(nearest.kind, `${view.user} at ${nearest.place} of ${view.items.length}: ${nearest.text}`);
}

/**
 * A client that was a member from the first message on, and has seen everything, has the same hash as the
 * log.
 */
function checkHashes(view: ObservedView, account: number, expected: ExpectedViews, report: Report): void {
  if (!view.isWhole || view.start.most >= expected.first) return;
  for (const room of expected.rooms) {
    if (!expected.wasMemberThroughout(account, room) || view.hashes.of(room) === expected.hashes.of(room))
      continue;
    report('hash', `${view.user} has ${view.hashes.of(room)} for ${room}, not ${expected.hashes.of(room)}`);
  }
}

function compare(view: ObservedView, due: readonly Item[], expected: ExpectedViews): Fault | undefined {
  const { items, isWhole } = view;
  const begin = beginOf(view, due);
  for (const [place, item] of items.entries()) {
    const wanted = due[begin + place];
    if (wanted === undefined || !isSame(wanted, item))
      return { place, ...explain(item, wanted, due, expected) };
  }
  const missing = due[begin + items.length];
  if (!isWhole || missing === undefined) return undefined;
  const text = `did not get the last ${due.length - begin - items.length}, from ${show(missing)} on`;
  return { place: items.length, kind: 'gap', text };
}

/** Where in `due` the items begin. */
function beginOf(
  { place, start: { least, most }, items: [first] }: ObservedView,
  due: readonly Item[],
): number {
  if (place !== undefined) return place;
  const latest = firstBehind(most, due);
  if (first === undefined) return latest;
  return Math.max(firstBehind(least, due), Math.min(latest, firstBehind(first.id - 1, due)));
}

function firstBehind(id: number, due: readonly Item[]): number {
  const place = due.findIndex((item) => item.id > id);
  return place === -1 ? due.length : place;
}

function explain(
  item: Item,
  wanted: Item | undefined,
  due: readonly Item[],
  expected: ExpectedViews,
): Omit<Fault, 'place'> {
  const same = due.find(({ id }) => id === item.id);
  const instead = wanted === undefined ? 'the end' : show(wanted);
  if (same === undefined) {
    const isStored = expected.has(item.id);
    return {
      kind: isStored ? 'foreign' : 'lost',
      text: `got ${show(item)}, which is ${isStored ? 'not for it' : 'not stored'}; due was ${instead}`,
    };
  }
  if (wanted === undefined || item.id < wanted.id)
    return { kind: 'repeat', text: `got ${show(item)} for ${instead}` };
  if (item.id > wanted.id) return { kind: 'gap', text: `got ${show(item)} for ${instead}` };
  return { kind: 'altered', text: `got ${show(item)} for ${instead}` };
}

function isSame(a: Item, b: Item): boolean {
  return (
    a.id === b.id &&
    a.kind === b.kind &&
    a.user === b.user &&
    a.place === b.place &&
    a.text === b.text &&
    a.key === b.key
  );
}
