/** Compares what a client has been shown with what it must see, and says what is wrong with it. */

import type { Sight } from './expected-view.ts';
import { type Item, show, type View } from './observed-view.ts';
import type { Kind, Report } from './view-faults.ts';

interface Fault {
  /** How much was right before. */
  readonly place: number;
  readonly kind: Kind;
  readonly text: string;
}

/** Compares what has been shown since the last time; what comes after a fault is not looked at. */
export function checkView(view: View, sight: Sight, report: Report): void {
  const accounts = sight.accountsNamed(view.user);
  const faults: Fault[] = [];
  // A guest's name may have had several accounts, of which one must fit.
  for (const account of accounts.length === 0 ? [0] : accounts) {
    const fault = compare(view, sight.of(account), sight);
    if (fault === undefined) {
      view.settle(beginOf(view, sight.of(account)) + view.items.length);
      checkHashes(view, account, sight, report);
      return;
    }
    faults.push(fault);
  }
  // Of equals the newest account, whose view this most likely is.
  const nearest = faults.reduce((a, b) => (b.place >= a.place ? b : a));
  report(nearest.kind, `${view.user} at ${nearest.place} of ${view.items.length}: ${nearest.text}`);
}

/** Who was in a room from its first message on, and has seen it all, has the very hash of the log. */
function checkHashes(view: View, account: number, sight: Sight, report: Report): void {
  if (!view.isWhole || view.start.most >= sight.first) return;
  for (const room of sight.rooms) {
    if (!sight.wasMemberThroughout(account, room) || view.hashes.of(room) === sight.hashes.of(room)) continue;
    report('hash', `${view.user} has ${view.hashes.of(room)} for ${room}, not ${sight.hashes.of(room)}`);
  }
}

function compare(view: View, due: readonly Item[], sight: Sight): Fault | undefined {
  const { items, isWhole } = view;
  const begin = beginOf(view, due);
  for (const [place, item] of items.entries()) {
    const expected = due[begin + place];
    if (expected === undefined || !isSame(expected, item))
      return { place, ...explain(item, expected, due, sight) };
  }
  const missing = due[begin + items.length];
  if (!isWhole || missing === undefined) return undefined;
  const text = `did not get the last ${due.length - begin - items.length}, from ${show(missing)} on`;
  return { place: items.length, kind: 'gap', text };
}

/** Where in what is due the items begin. */
function beginOf({ place, start: { least, most }, items: [first] }: View, due: readonly Item[]): number {
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
  expected: Item | undefined,
  due: readonly Item[],
  sight: Sight,
): Omit<Fault, 'place'> {
  const same = due.find(({ id }) => id === item.id);
  const instead = expected === undefined ? 'the end' : show(expected);
  if (same === undefined) {
    const isStored = sight.has(item.id);
    return {
      kind: isStored ? 'foreign' : 'lost',
      text: `got ${show(item)}, which is ${isStored ? 'not for it' : 'not stored'}; due was ${instead}`,
    };
  }
  if (expected === undefined || item.id < expected.id)
    return { kind: 'repeat', text: `got ${show(item)} for ${instead}` };
  if (item.id > expected.id) return { kind: 'gap', text: `got ${show(item)} for ${instead}` };
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
