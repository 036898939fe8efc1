/** The live file, loaded again and again: a page from `file://` can load a sibling script, but cannot fetch. */

/**
 * @typedef {object} News what the live file holds
 * @property {string} run of the client that writes
 * @property {number} first running number of the first element
 * @property {string[]} elements
 * @property {boolean} closed the client has gone, in order
 */

/** Times between looks, in ms: while the page is in sight, while it is not, and when there is nobody to write. */
const IN_SIGHT = 150;
const IN_BACKGROUND = 1000;
const ALONE = 2000;

/** Longest time that one look may take, in ms. */
const DEADLINE = 5000;

/**
 * @param {string} source address of the live file
 * @param {(news: News) => void} receive
 */
export function watchLive(source, receive) {
  let alone = false;
  let looks = 0;
  let timer = 0;
  /** @type {HTMLScriptElement | null} */
  let script = null;

  function look() {
    clearTimeout(timer);
    finish();
    script = document.createElement('script');
    script.onload = next;
    script.onerror = () => {
      alone = true;
      next();
    };
    looks += 1;
    script.src = `${source}?${looks}`;
    timer = setTimeout(look, DEADLINE);
    document.head.append(script);
  }

  function next() {
    clearTimeout(timer);
    finish();
    timer = setTimeout(look, alone ? ALONE : document.hidden ? IN_BACKGROUND : IN_SIGHT);
  }

  function finish() {
    if (script === null) return;
    script.onload = null;
    script.onerror = null;
    script.remove();
    script = null;
  }

  Object.defineProperty(window, 'parleyLive', {
    value: (/** @type {News} */ news) => {
      alone = news.closed;
      receive(news);
    },
  });
  document.addEventListener('visibilitychange', () => {
    if (!document.hidden) look();
  });
  look();
}
