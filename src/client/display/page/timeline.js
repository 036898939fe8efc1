/** The timeline: the entries of the log. Those with an id are in the order of their ids, whenever they arrived. */

import { kindOf, readEntry, sequenceOf, setState, setTime, timeIn } from './entry.js';

/** @import { Blocks } from './blocks.js' */
/** @import { Entry } from './entry.js' */

/** @typedef {ReturnType<typeof createTimeline>} Timeline */

/**
 * The effect of an element: `added` is an entry at the end; `changed` an entry that keeps its position; `reordered`
 * means that entries were inserted, removed or moved within the log.
 *
 * @typedef {object} Taken
 * @property {'nothing' | 'added' | 'changed' | 'reordered'} type
 * @property {Entry | null} entry the entry that was added, anywhere, or changed
 */

/** @type {Taken} */
const NOTHING = { type: 'nothing', entry: null };
/** @type {Taken} */
const REORDERED = { type: 'reordered', entry: null };

/** @param {Blocks} blocks */
export function createTimeline(blocks) {
  /** @type {WeakMap<Element, Entry>} */
  const entries = new WeakMap();
  /** @type {Map<string, Entry>} */
  const tagged = new Map();
  /** @type {Set<Entry>} Own messages that are neither stored nor failed. */
  const pending = new Set();
  /** No client is running that could send them. */
  let isAbandoned = false;
  /** @type {Entry[]} Entries with an id, ascending. */
  const ordered = [];
  /** @type {Entry | null} */
  let first = null;
  /** @type {Entry | null} */
  let last = null;
  /** @type {Set<number>} Ids of own messages that are delivered but not in the page yet. */
  const delivered = new Set();
  let sequence = 0;
  let latest = 0;
  /** @type {Element | null} The last element of a file that was cut off, or read during a write. */
  let cut = null;

  /** The index of `id` in `ordered`, or where it would be. @param {number} id */
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
    pending.delete(entry);
    unlink(entry);
    entry.element.remove();
  }

  /**
   * Moves an entry with an id to its place in the order. @param {Entry} entry @returns {'taken' | 'stays' | 'moved'}
   */
  function place(entry) {
    const index = indexOf(entry.id);
    const before = ordered[index - 1] ?? null;
    const after = ordered[index] ?? null;
    if (after?.id === entry.id) return 'taken';
    ordered.splice(index, 0, entry);
    if (entry.own) setState(entry, delivered.delete(entry.id) ? 'delivered' : 'stored', '');
    if (nearest(entry, 'previous') === before && nearest(entry, 'next') === after) return 'stays';
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
    return 'moved';
  }

  /**
   * Updates the status of an own message. Null if the message is not here. @param {HTMLElement} element @returns {Taken
   * | null}
   */
  function settle(element) {
    const entry = tagged.get(element.getAttribute('data-tag') ?? '');
    if (entry === undefined) return null;
    element.remove();
    // A stored message stays stored.
    if (entry.id !== 0) return NOTHING;
    pending.delete(entry);
    if (kindOf(element) === 'failed') {
      const state = element.hasAttribute('data-unsure') ? 'unknown' : 'failed';
      setState(entry, state, element.querySelector('.text')?.textContent ?? '');
      return NOTHING;
    }
    entry.id = Number(element.getAttribute('data-id'));
    setTime(entry, timeIn(element) ?? entry.at);
    const placed = place(entry);
    if (placed === 'taken') remove(entry);
    return placed === 'stays' ? { type: 'changed', entry } : REORDERED;
  }

  /** @param {HTMLElement} element */
  function deliver(element) {
    const id = Number(element.getAttribute('data-id'));
    const entry = ordered[indexOf(id)];
    if (entry?.id !== id) delivered.add(id);
    else if (entry.own) setState(entry, 'delivered', '');
    element.remove();
    return NOTHING;
  }

  /** Adds an element to the log. True if it replaced one that was cut off. @param {HTMLElement} element */
  function append(element) {
    const isWhole = cut !== null && sequenceOf(cut) === sequenceOf(element);
    if (isWhole && cut !== null) {
      const entry = entries.get(cut);
      if (entry === undefined) cut.remove();
      else remove(entry);
    }
    cut = null;
    blocks.append(element);
    return isWhole;
  }

  /** @param {HTMLElement} element @returns {Taken} */
  function enter(element) {
    const kind = kindOf(element);
    if (kind === 'delivered') return deliver(element);
    const settled = kind === 'stored' || kind === 'failed' ? settle(element) : null;
    if (settled !== null) return settled;
    const entry = readEntry(element, latest);
    entries.set(element, entry);
    link(entry, last);
    if (entry.id !== 0 && place(entry) === 'taken') {
      remove(entry);
      return NOTHING;
    }
    latest = Math.max(latest, entry.at);
    if (entry.tag !== '') tagged.set(entry.tag, entry);
    if (entry.kind === 'message' && entry.own && entry.id === 0) pending.add(entry);
    if (isAbandoned && pending.has(entry)) setState(entry, 'unknown', '');
    return { type: entry.next === null ? 'added' : 'reordered', entry };
  }

  return {
    /** The highest sequence number whose element is complete. */
    sequence: () => sequence,
    /** The highest id in the log. */
    lastId: () => ordered.at(-1)?.id ?? 0,
    first: () => first,
    /** @param {Element} element */
    entryOf: (element) => entries.get(element),

    /** Whether no client is running that could send the pending messages. @param {boolean} abandoned */
    setAbandoned(abandoned) {
      if (isAbandoned === abandoned) return;
      isAbandoned = abandoned;
      for (const entry of pending) setState(entry, abandoned ? 'unknown' : 'pending', '');
    },

    /**
     * Takes the next element of the file or the live file, in the order of sequence numbers.
     * @param {HTMLElement} element
     * @returns {Taken}
     */
    take(element) {
      const isFromFile = element.isConnected;
      const replacesCut = !isFromFile && append(element);
      // Every record ends with a newline. An element of the file without one may be cut off.
      if (isFromFile && element.nextSibling === null) cut = element;
      else sequence = sequenceOf(element);
      const taken = enter(element);
      if (!replacesCut) return taken;
      return { type: 'reordered', entry: taken.type === 'changed' ? null : taken.entry };
    },
  };
}

/**
 * The nearest entry with an id before or after another. Only few consecutive entries have none.
 * @param {Entry} entry
 * @param {'previous' | 'next'} direction
 */
function nearest(entry, direction) {
  let other = entry[direction];
  while (other !== null && other.id === 0) other = other[direction];
  return other;
}
