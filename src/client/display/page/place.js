/** The reader's place: at the end, where the page follows what comes, or further up, where it stays. */

/** @import { Timeline } from './timeline.js' */
/** @import { Memory } from './memory.js' */

/** Distance from the end that still counts as the end, in CSS pixels. */
const END_REACH = 48;

/**
 * @param {HTMLElement} log
 * @param {HTMLButtonElement} button leads back to the end
 * @param {() => void} arrived called when the reader comes to the end
 */
export function createPlace(log, button, arrived) {
  const page = document.documentElement;
  let following = true;
  let below = 0;
  let lastTop = 0;

  function toEnd() {
    page.scrollTop = page.scrollHeight;
    lastTop = page.scrollTop;
  }

  /** @param {number} count messages that came since the reader left the end */
  function setBelow(count) {
    below = count;
    button.textContent = count === 1 ? '1 new message' : `${count} new messages`;
    button.hidden = count === 0;
  }

  function follow() {
    following = true;
    setBelow(0);
    toEnd();
    arrived();
  }

  button.addEventListener('click', follow);
  // Only going up leaves the end: when the log grows, the end goes away from the reader, who has not moved.
  addEventListener('scroll', () => {
    const top = page.scrollTop;
    const atEnd = top + page.clientHeight > page.scrollHeight - END_REACH;
    if (atEnd && !following) follow();
    else if (!atEnd && top < lastTop) following = false;
    lastTop = top;
  });
  // The heights of entries out of sight are estimates: the end moves when they become known.
  new ResizeObserver(() => {
    if (following) toEnd();
  }).observe(log);
  addEventListener('resize', () => {
    if (following) toEnd();
  });

  return {
    following: () => following,
    follow,
    /** After the log has grown at its end by `messages` that the reader would see. @param {number} messages */
    grown(messages) {
      if (following) toEnd();
      else if (messages > 0) setBelow(below + messages);
    },
    /** @param {Timeline} timeline @returns {Memory['place']} */
    current(timeline) {
      if (following) return null;
      const { left, width } = log.getBoundingClientRect();
      for (let y = 0; y < innerHeight; y += 8) {
        const element = document.elementFromPoint(left + width / 2, y)?.closest('.entry');
        const entry = element ? timeline.entryOf(element) : undefined;
        if (entry !== undefined) {
          const { top } = entry.element.getBoundingClientRect();
          return { sequence: entry.sequence, id: entry.id, top };
        }
      }
      return null;
    },
    /** Goes back to where an entry was `top` below the top of the window. @param {HTMLElement} element @param {number} top */
    restore(element, top) {
      following = false;
      page.scrollTop += element.getBoundingClientRect().top - top;
      lastTop = page.scrollTop;
      // Once more, when the entries around it have their true heights.
      requestAnimationFrame(() => {
        page.scrollTop += element.getBoundingClientRect().top - top;
        lastTop = page.scrollTop;
      });
    },
  };
}
