/** Loads the live file repeatedly: a page from `file://` can load a sibling script, but cannot fetch. */

/**
 * @typedef {object} News the content of the live file
 * @property {string} run the client's run
 * @property {number} first sequence number of the first element
 * @property {string[]} elements
 * @property {boolean} closed the client has exited in order
 */

/**
 * @typedef {object} Pulse the client's state, as it reports it
 * @property {number} at when it was last alive, in ms since 1970
 * @property {number} retryAt when it tries to connect again, in ms since 1970
 * @property {'online' | 'connecting' | 'waiting' | 'offline'} connection
 * @property {'nothing' | 'records' | 'updates'} lacks what is missing in this page
 */

/** Time between checks, in ms: while the page is visible, while it is hidden, and when no client is writing. */
const VISIBLE = 150;
const HIDDEN = 1000;
const NO_CLIENT = 2000;

/** Longest time one check may take, in ms. */
const DEADLINE = 5000;

/** Identified by their index in the live file. */
const CONNECTIONS = /** @type {const} */ (['online', 'connecting', 'waiting', 'offline']);
const LACKS = /** @type {const} */ (['nothing', 'records', 'updates']);

/**
 * @param {string} source address of the live file
 * @param {(news: News | null, pulse: Pulse | null) => boolean} receive called after each check with what was found;
 * returns whether a client is still writing
 */
export function watchLive(source, receive) {
  let checks = 0;
  let timer = 0;
  /** @type {HTMLScriptElement | null} */
  let script = null;
  /** @type {News | null} */
  let news = null;
  /** @type {Pulse | null} */
  let pulse = null;

  function check() {
    clearTimeout(timer);
    if (script !== null) finish();
    script = document.createElement('script');
    script.onload = next;
    script.onerror = next;
    checks += 1;
    script.src = `${source}?${checks}`;
    timer = setTimeout(check, DEADLINE);
    document.head.append(script);
  }

  function next() {
    clearTimeout(timer);
    const hasClient = finish();
    timer = setTimeout(check, !hasClient ? NO_CLIENT : document.hidden ? HIDDEN : VISIBLE);
  }

  function finish() {
    if (script !== null) {
      script.onload = null;
      script.onerror = null;
      script.remove();
      script = null;
    }
    const [lastNews, lastPulse] = [news, pulse];
    news = null;
    pulse = null;
    return receive(lastNews, lastPulse);
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
    if (!document.hidden) check();
  });
  check();
}
