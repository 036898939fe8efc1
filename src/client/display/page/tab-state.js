/** What a tab keeps about this page across a reload. */

/**
 * @typedef {object} TabState
 * @property {string} run the run of the client that wrote the page
 * @property {number} sequence up to which the tab had shown the run
 * @property {[key: string, unread: number][]} unread per conversation
 * @property {{ sequence: number, id: number, top: number } | null} place the entry at the top; null at the end
 * @property {number} below messages that arrived since the reader left the end
 * @property {string} reloadedFor state of the live file for which the page was last reloaded
 */

const KEY = `parley ${location.pathname}`;

/** @returns {TabState | null} null if the tab has not shown this page before */
export function loadTabState() {
  try {
    const text = sessionStorage.getItem(KEY);
    return text === null ? null : JSON.parse(text);
  } catch {
    return null;
  }
}

/** False if the browser stores nothing for this page. @param {TabState} state */
export function saveTabState(state) {
  try {
    sessionStorage.setItem(KEY, JSON.stringify(state));
    return true;
  } catch {
    return false;
  }
}
