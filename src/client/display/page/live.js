/** The live file, loaded again and again: a page from `file://` can load a sibling script, but cannot fetch. */

/**
 * @typedef {object} News what the live file holds
 * @property {string} run of the client that writes
 * @property {number} first running number of the first element
 * @property {string[]} elements
 * @property {boolean} closed the client has gone, in order
 */

/**
 * @typedef {object} Pulse how the client is, by its own word
 * @property {number} at when it was alive, in ms since 1970
 * @property {number} retryAt when it tries to connect again, in ms since 1970
 * @property {'online' | 'connecting' | 'waiting' | 'offline'} connection
 * @property {'nothing' | 'records' | 'updates'} lacks what is missing in this page
 */

/** Times between looks, in ms: while the page is in sight, while it is not, and when there is nobody to write. */
const IN_SIGHT = 150;
const IN_BACKGROUND = 1000;
const ALONE = 2000;

/** Longest time that one look may take, in ms. */
const DEADLINE = 5000;

/** By their index in the live file. */
const CONNECTIONS = /** @type {const} */ (['online', 'connecting', 'waiting', 'offline']);
const LACKS = /** @type {const} */ (['nothing', 'records', 'updates']);

/**
 * @param {string} source address of the live file
 * @param {(news: News | null, pulse: Pulse | null) => boolean} receive is called after each look with what there was to
 *   see, and tells whether there is anybody who writes
 */
export function watchLive(source, receive) {
  let looks = 0;
  let timer = 0;
  /** @type {HTMLScriptElement | null} */
  let script = null;
  /** @type {News | null} */
  let news = null;
  /** @type {Pulse | null} */
  let pulse = null;

  function look() {
    clearTimeout(timer);
    if (script !== null) finish();
    script = document.createElement('script');
    script.onload = next;
    script.onerror = next;
    looks += 1;
    script.src = `${source}?${looks}`;
    timer = setTimeout(look, DEADLINE);
    document.head.append(script);
  }

  function next() {
    clearTimeout(timer);
    const isAlone = !finish();
    timer = setTimeout(look, isAlone ? ALONE : document.hidden ? IN_BACKGROUND : IN_SIGHT);
  }

  function finish() {
    if (script !== null) {
      script.onload = null;
      script.onerror = null;
      script.remove();
      script = null;
    }
    const [seen, felt] = [news, pulse];
    news = null;
    pulse = null;
    return receive(seen, felt);
  }

  Object.defineProperty(window, 'parleyLive', {
    value: (/** @type {News} */ seen) => {
      news = seen;
    },
  });
  Object.defineProperty(window, 'parleyPulse', {
    /** @param {number} at @param {number} retryAt @param {number} connection @param {number} lacks */
    value: (at, retryAt, connection, lacks) => {
      pulse = {
        at,
        retryAt,
        connection: CONNECTIONS[connection] ?? 'offline',
        lacks: LACKS[lacks] ?? 'nothing',
      };
    },
  });
  document.addEventListener('visibilitychange', () => {
    if (!document.hidden) look();
  });
  look();
}
