/** The timeline: the entries of the log, those with an id in the order of their ids, whenever they came. */

import { kindOf, readEntry, sequenceOf, setState, setTime } from './entry.js';

/** @import { Entry } from './entry.js' */

/** @typedef {ReturnType<typeof createTimeline>} Timeline */

/** @param {HTMLElement} log */
export function createTimeline(log) {
  /** @type {Map<Element, Entry>} */
  const entries = new Map();
  /** @type {Map<string, Entry>} */
  const tagged = new Map();
  /** @type {Entry[]} Ascending by id. */
  const ordered = [];
  let sequence = 0;
  let latest = 0;
  /** @type {Element | null} The last element of a file that was cut off, or read while it was written. */
  let cut = null;

  /** Where `id` is in `ordered`, or would be. @param {number} id */
  function indexOf(id) {
    let low = 0;
    let high = ordered.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((ordered[middle]?.id ?? 0) < id) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /**
   * The nearest entry with an id before or after an element. Elements without an id are few in a row.
   * @param {Element} element
   * @param {'previousElementSibling' | 'nextElementSibling'} direction
   */
  function neighbour(element, direction) {
    let other = element[direction];
    while (other !== null && entries.get(other)?.id === 0) other = other[direction];
    return other === null ? undefined : entries.get(other);
  }

  /** Puts an entry that has an id where the order wants it. False if another entry has that id. @param {Entry} entry */
  function place(entry) {
    const index = indexOf(entry.id);
    const before = ordered[index - 1];
    const after = ordered[index];
    if (after?.id === entry.id) return false;
    const { element } = entry;
    const inPlace =
      neighbour(element, 'previousElementSibling') === before &&
      neighbour(element, 'nextElementSibling') === after;
    ordered.splice(index, 0, entry);
    if (inPlace) return true;
    let next = before === undefined ? log.firstElementChild : before.element.nextElementSibling;
    while (next !== null && next !== after?.element && isEarlier(next, entry)) next = next.nextElementSibling;
    log.insertBefore(element, next);
    return true;
  }

  /** @param {Element} element @param {Entry} entry */
  function isEarlier(element, entry) {
    const other = entries.get(element);
    return other === entry || (other !== undefined && other.at <= entry.at);
  }

  /** @param {Element} element */
  function remove(element) {
    const entry = entries.get(element);
    if (entry !== undefined) {
      entries.delete(element);
      if (ordered[indexOf(entry.id)] === entry) ordered.splice(indexOf(entry.id), 1);
    }
    element.remove();
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
      if (!place(entry)) remove(entry.element);
    }
    element.remove();
    return true;
  }

  return {
    /** The highest running number that the log has whole. */
    sequence: () => sequence,
    /** The highest id that the log has. */
    lastId: () => ordered.at(-1)?.id ?? 0,
    /** @param {Element} element */
    entryOf: (element) => entries.get(element),
    /** @returns {Iterable<Entry>} */
    all: () => entries.values(),

    /**
     * Takes the next element of the file or of the live file.
     * @param {HTMLElement} element
     * @returns {Entry | null} the entry that is added, or null if the element only changed another
     */
    take(element) {
      if (element.parentNode !== log) {
        if (cut !== null && sequenceOf(cut) === sequenceOf(element)) remove(cut);
        cut = null;
        log.append(element);
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
      if (entry.id !== 0 && !place(entry)) {
        remove(element);
        return null;
      }
      latest = Math.max(latest, entry.at);
      if (entry.tag !== '') tagged.set(entry.tag, entry);
      return entry;
    },
  };
}
