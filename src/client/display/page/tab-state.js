/** What a tab remembers of this page when it is reloaded. */

/**
 * @typedef {object} Memory
 * @property {string} run of the client that had written the page
 * @property {number} sequence up to which the tab had seen the run
 * @property {[key: string, unread: number][]} unread per conversation
 * @property {{ sequence: number, id: number, top: number } | null} place the entry at the top; null at the end
 * @property {number} below messages that came since the reader left the end
 * @property {string} reloadedFor state of the live file for which the page was last reloaded
 */

const KEY = `parley ${location.pathname}`;

/** @returns {Memory | null} null when the tab has not been here before */
export function recall() {
  try {
    const text = sessionStorage.getItem(KEY);
    return text === null ? null : JSON.parse(text);
  } catch {
    return null;
  }
}

/** False where the browser keeps nothing for this page. @param {Memory} memory */
export function remember(memory) {
  try {
    sessionStorage.setItem(KEY, JSON.stringify(memory));
    return true;
  } catch {
    return false;
  }
}
