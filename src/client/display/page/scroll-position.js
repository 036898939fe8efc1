/** The scroll position: at the end, where the page follows new messages, or further up, where it stays in place. */

/** Scrolling this near the end jumps to it, in CSS pixels. */
const END_REACH = 48;

/**
 * @param {HTMLElement} log
 * @param {HTMLButtonElement} button jumps to the end
 * @param {() => void} arrived called when the reader reaches the end
 */
export function createScrollPosition(log, button, arrived) {
  const page = document.documentElement;
  let following = true;
  let below = 0;
  let lastTop = 0;
  /** @type {{ element: Element, top: number } | null} The element that keeps its position in the window. */
  let anchor = null;

  /** @param {number} top */
  function scrollTo(top) {
    page.scrollTop = top;
    lastTop = page.scrollTop;
  }

  /** Restores the position after something changed above, at or below it. */
  function hold() {
    if (following) return scrollTo(page.scrollHeight);
    if (anchor === null || anchor.element.getClientRects().length === 0) return;
    const moved = anchor.element.getBoundingClientRect().top - anchor.top;
    if (Math.abs(moved) >= 1) scrollTo(page.scrollTop + moved);
  }

  /** The first entry in the window, or its block if the browser has not laid out the entry. */
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
    // Only scrolling up leaves the end. When the log grows, the end moves away from a reader who has not scrolled.
    const goesUp = top < lastTop;
    lastTop = top;
    if (goesUp && rest >= 2) following = false;
    else if (!goesUp && rest < END_REACH) return follow();
    if (!following) anchor = findAnchor();
  });
  // The heights of blocks out of sight are estimates, so content moves when they become known.
  new ResizeObserver(hold).observe(log);
  addEventListener('resize', hold);

  return {
    following: () => following,
    /** Messages that arrived since the reader left the end. */
    below: () => below,
    follow,
    /** Call after the log has changed. @param {number} messages how many of them are new to the reader */
    changed(messages) {
      hold();
      if (!following && messages > 0) setBelow(below + messages);
    },
    /** The value to pass to `restore` after a reload; null at the end. */
    current: () => (following ? null : anchor),
    /** Scrolls so that an element is `top` below the top of the window. @param {Element} element @param {number} top */
    restore(element, top) {
      following = false;
      anchor = { element, top };
      hold();
    },
  };
}
