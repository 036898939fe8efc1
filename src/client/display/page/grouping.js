/** Grouping: one heading for what one person says in one stretch, and one for each day, among the entries shown. */

/** @import { Blocks } from './blocks.js' */
/** @import { Entry } from './entry.js' */
/** @import { Timeline } from './timeline.js' */

/** Longest silence within a group, in ms. */
const STRETCH = 5 * 60_000;

const DAY = new Intl.DateTimeFormat('en-GB', { dateStyle: 'full' });

/**
 * @param {Blocks} blocks
 * @param {Timeline} timeline
 * @param {(entry: Entry) => boolean} shows
 */
export function createGrouping(blocks, timeline, shows) {
  /** @type {Entry | null} The last entry shown. */
  let last = null;

  /** @param {Entry} entry @param {Entry | null} before the entry shown before it */
  function group(entry, before) {
    const newDay = before === null || before.day !== entry.day;
    entry.element.classList.toggle('follows', !newDay && follows(entry, before));
    if (newDay && entry.heading === null) {
      entry.heading = document.createElement('h2');
      entry.heading.className = 'day';
      entry.element.prepend(entry.heading);
    } else if (!newDay && entry.heading !== null) {
      entry.heading.remove();
      entry.heading = null;
    }
    if (entry.heading !== null) entry.heading.textContent = DAY.format(entry.at);
  }

  /** @param {Entry} entry */
  function extend(entry) {
    const shown = shows(entry);
    entry.element.hidden = !shown;
    if (!shown) return;
    group(entry, last);
    last = entry;
  }

  return {
    /** Takes in an entry at the end of the log. */
    extend,
    /** Looks at an entry again whose time has changed. @param {Entry} entry */
    touch(entry) {
      if (entry.element.hidden) return;
      const after = shownBeside(entry, 'next');
      group(entry, shownBeside(entry, 'previous'));
      if (after !== null) group(after, entry);
    },
    /** Goes through the whole log again: for entries in the midst of it, and for another choice of what is shown. */
    renew() {
      blocks.divide();
      /** @type {Map<Element, number>} */
      const shown = new Map();
      last = null;
      for (let entry = timeline.first(); entry !== null; entry = entry.next) {
        extend(entry);
        const block = entry.element.parentElement;
        if (block !== null && !entry.element.hidden) shown.set(block, (shown.get(block) ?? 0) + 1);
      }
      blocks.guess(shown);
    },
  };
}

/** @param {Entry} entry @param {'previous' | 'next'} direction */
function shownBeside(entry, direction) {
  let other = entry[direction];
  while (other?.element.hidden) other = other[direction];
  return other;
}

/** @param {Entry} entry @param {Entry} before */
function follows(entry, before) {
  return (
    entry.kind === 'message' &&
    before.kind === 'message' &&
    entry.from === before.from &&
    entry.conversation === before.conversation &&
    Math.abs(entry.at - before.at) < STRETCH
  );
}
