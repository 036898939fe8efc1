/** The timeline: the entries of the log, those with an id in the order of their ids, whenever they came. */

import { kindOf, readEntry, sequenceOf, setState, setTime } from './entry.js';

/** @import { Blocks } from './blocks.js' */
/** @import { Entry } from './entry.js' */

/** @typedef {ReturnType<typeof createTimeline>} Timeline */

/** @param {Blocks} blocks */
export function createTimeline(blocks) {
  /** @type {WeakMap<Element, Entry>} */
  const entries = new WeakMap();
  /** @type {Map<string, Entry>} */
  const tagged = new Map();
  /** @type {Entry[]} Those that have an id, ascending. */
  const ordered = [];
  /** @type {Entry | null} */
  let first = null;
  /** @type {Entry | null} */
  let last = null;
  let sequence = 0;
  let latest = 0;
  /** @type {Element | null} The last element of a file that was cut off, or read while it was written. */
  let cut = null;

  /** Where `id` is in `ordered`, or would be. @param {number} id */
  function indexOf(id) {
    if (id > (ordered.at(-1)?.id ?? 0)) return ordered.length;
    let low = 0;
    let high = ordered.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((ordered[middle]?.id ?? 0) < id) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /** @param {Entry} entry @param {Entry | null} previous */
  function link(entry, previous) {
    const next = previous === null ? first : previous.next;
    entry.previous = previous;
    entry.next = next;
    if (previous === null) first = entry;
    else previous.next = entry;
    if (next === null) last = entry;
    else next.previous = entry;
  }

  /** @param {Entry} entry */
  function unlink({ previous, next }) {
    if (previous === null) first = next;
    else previous.next = next;
    if (next === null) last = previous;
    else next.previous = previous;
  }

  /** @param {Entry} entry */
  function remove(entry) {
    const index = indexOf(entry.id);
    if (ordered[index] === entry) ordered.splice(index, 1);
    entries.delete(entry.element);
    unlink(entry);
    entry.element.remove();
  }

  /** Puts an entry that has an id where the order wants it. False if another has that id. @param {Entry} entry */
  function place(entry) {
    const index = indexOf(entry.id);
    const before = ordered[index - 1] ?? null;
    const after = ordered[index] ?? null;
    if (after?.id === entry.id) return false;
    ordered.splice(index, 0, entry);
    if (nearest(entry, 'previous') === before && nearest(entry, 'next') === after) return true;
    unlink(entry);
    let previous = before;
    let next = previous === null ? first : previous.next;
    // Among neighbours without an id, the time decides.
    while (next !== null && next !== after && next.at <= entry.at) {
      previous = next;
      next = next.next;
    }
    link(entry, previous);
    if (previous !== null) previous.element.after(entry.element);
    else next?.element.before(entry.element);
    return true;
  }

  /** Tells an own message further up how it stands. False if it is not here. @param {HTMLElement} element */
  function settle(element) {
    const entry = tagged.get(element.getAttribute('data-tag') ?? '');
    if (entry === undefined) return false;
    if (kindOf(element) === 'failed') {
      setState(entry, 'failed', element.querySelector('.text')?.textContent ?? '');
    } else if (entry.id === 0) {
      entry.id = Number(element.getAttribute('data-id'));
      setTime(entry, Number(element.getAttribute('data-at')));
      setState(entry, 'stored', '');
      if (!place(entry)) remove(entry);
    }
    element.remove();
    return true;
  }

  return {
    /** The highest running number that the log has whole. */
    sequence: () => sequence,
    /** The highest id that the log has. */
    lastId: () => ordered.at(-1)?.id ?? 0,
    first: () => first,
    /** @param {Element} element */
    entryOf: (element) => entries.get(element),

    /**
     * Takes the next element, in the order of running numbers, of the file or of the live file.
     * @param {HTMLElement} element
     * @returns {Entry | null} the entry that is added, or null if the element only changed another
     */
    take(element) {
      if (!element.isConnected) {
        if (cut !== null && sequenceOf(cut) === sequenceOf(element)) {
          const entry = entries.get(cut);
          if (entry === undefined) cut.remove();
          else remove(entry);
        }
        cut = null;
        blocks.append(element);
        sequence = sequenceOf(element);
      } else if (element.nextSibling === null) {
        // Every record ends with a newline: an element without one after it may have lost its end.
        cut = element;
      } else {
        sequence = sequenceOf(element);
      }
      const kind = kindOf(element);
      if ((kind === 'stored' || kind === 'failed') && settle(element)) return null;
      const entry = readEntry(element, latest);
      entries.set(element, entry);
      link(entry, last);
      if (entry.id !== 0 && !place(entry)) {
        remove(entry);
        return null;
      }
      latest = Math.max(latest, entry.at);
      if (entry.tag !== '') tagged.set(entry.tag, entry);
      return entry;
    },
  };
}

/**
 * The nearest entry with an id before or after another. Entries without one are few in a row.
 * @param {Entry} entry
 * @param {'previous' | 'next'} direction
 */
function nearest(entry, direction) {
  let other = entry[direction];
  while (other !== null && other.id === 0) other = other[direction];
  return other;
}
