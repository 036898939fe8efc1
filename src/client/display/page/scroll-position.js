/** The reader's place: at the end, where the page follows what comes, or further up, where it stays. */

/** Who comes this near to the end is taken there, in CSS pixels. */
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
  /** @type {{ element: Element, top: number } | null} What stays where it is in the window. */
  let anchor = null;

  /** @param {number} top */
  function scrollTo(top) {
    page.scrollTop = top;
    lastTop = page.scrollTop;
  }

  /** After something has changed above, at or below the place. */
  function hold() {
    if (following) return scrollTo(page.scrollHeight);
    if (anchor === null || anchor.element.getClientRects().length === 0) return;
    const moved = anchor.element.getBoundingClientRect().top - anchor.top;
    if (Math.abs(moved) >= 1) scrollTo(page.scrollTop + moved);
  }

  /** The first entry in the window; where the browser has not laid it out yet, its block. */
  function findAnchor() {
    const { left, width } = log.getBoundingClientRect();
    for (let y = 0; y < innerHeight; y += 8) {
      const element = document.elementFromPoint(left + width / 2, y)?.closest('.entry, .block');
      if (element) return { element, top: element.getBoundingClientRect().top };
    }
    return null;
  }

  /** @param {number} count */
  function setBelow(count) {
    below = count;
    button.textContent = count === 1 ? '1 new message' : `${count} new messages`;
    button.hidden = count === 0;
  }

  function follow() {
    following = true;
    setBelow(0);
    hold();
    arrived();
  }

  button.addEventListener('click', follow);
  addEventListener('scroll', () => {
    const top = page.scrollTop;
    if (top === lastTop) return;
    const rest = page.scrollHeight - page.clientHeight - top;
    // Only going up leaves the end: when the log grows, the end goes away from the reader, who has not moved.
    const goesUp = top < lastTop;
    lastTop = top;
    if (goesUp && rest >= 2) following = false;
    else if (!goesUp && rest < END_REACH) return follow();
    if (!following) anchor = findAnchor();
  });
  // The heights of blocks out of sight are guesses: things move when they become known.
  new ResizeObserver(hold).observe(log);
  addEventListener('resize', hold);

  return {
    following: () => following,
    /** Messages that came since the reader left the end. */
    below: () => below,
    follow,
    /** After the log has changed. @param {number} messages how many the reader would see at its end */
    changed(messages) {
      hold();
      if (!following && messages > 0) setBelow(below + messages);
    },
    /** What to give to `restore` after a reload; null at the end. */
    current: () => (following ? null : anchor),
    /** Goes back to where an element was `top` below the top of the window. @param {Element} element @param {number} top */
    restore(element, top) {
      following = false;
      anchor = { element, top };
      hold();
    },
  };
}
