/** Groups the entries shown: one heading for consecutive messages of one sender, and one for each day. */

/** @import { Blocks } from './blocks.js' */
/** @import { Entry } from './entry.js' */
/** @import { Timeline } from './timeline.js' */

/** Longest pause within a group, in ms. */
const LONGEST_PAUSE = 5 * 60_000;

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
  function append(entry) {
    const shown = shows(entry);
    entry.element.hidden = !shown;
    if (!shown) return;
    group(entry, last);
    last = entry;
  }

  return {
    /** Groups an entry at the end of the log. */
    append,
    /** Regroups an entry whose time has changed. @param {Entry} entry */
    regroup(entry) {
      if (entry.element.hidden) return;
      const after = shownNeighbour(entry, 'next');
      group(entry, shownNeighbour(entry, 'previous'));
      if (after !== null) group(after, entry);
    },
    /** Regroups the whole log, after entries were inserted in it or another conversation was chosen. */
    regroupAll() {
      blocks.divide();
      /** @type {Map<Element, number>} */
      const shown = new Map();
      last = null;
      for (let entry = timeline.first(); entry !== null; entry = entry.next) {
        append(entry);
        const block = entry.element.parentElement;
        if (block !== null && !entry.element.hidden) shown.set(block, (shown.get(block) ?? 0) + 1);
      }
      blocks.guess(shown);
    },
  };
}

/** @param {Entry} entry @param {'previous' | 'next'} direction */
function shownNeighbour(entry, direction) {
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
    Math.abs(entry.at - before.at) < LONGEST_PAUSE
  );
}
