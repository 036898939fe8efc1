/**
 * An entry: an element of the log, and what the script knows about it.
 *
 * @typedef {object} Entry
 * @property {HTMLElement} element
 * @property {number} sequence sequence number within one run of the client
 * @property {string} kind the record's type
 * @property {number} id the server's, or 0 if it has none
 * @property {number} at in ms since 1970
 * @property {number} day equal for entries of the same day
 * @property {string} from the sender's name in lower case
 * @property {string} conversation its key, or empty if it belongs to none
 * @property {string} label the conversation's name as written
 * @property {string} tag identifies an own message until it has an id
 * @property {boolean} own
 * @property {HTMLElement | null} state shows the status of an own message
 * @property {HTMLElement | null} heading the day, on the first entry of a day
 * @property {Entry | null} previous
 * @property {Entry | null} next
 */

/** The latest time a `Date` can hold, in ms since 1970. */
const LATEST = 8.64e15;

/**
 * @param {HTMLElement} element
 * @param {number} latest time of the previous entry, for an entry without a time
 * @returns {Entry}
 */
export function readEntry(element, latest) {
  const at = timeIn(element) ?? latest;
  /** @type {Entry} */
  const entry = {
    element,
    sequence: sequenceOf(element),
    kind: kindOf(element),
    id: Number(element.getAttribute('data-id') ?? 0),
    at,
    day: 0,
    from: element.getAttribute('data-from') ?? '',
    conversation: element.getAttribute('data-in') ?? '',
    label: element.getAttribute('data-name') ?? '',
    tag: element.getAttribute('data-tag') ?? '',
    own: element.classList.contains('own'),
    state: null,
    heading: null,
    previous: null,
    next: null,
  };
  setTime(entry, at);
  if (entry.kind === 'message' && entry.own && entry.id === 0) setState(entry, 'pending', '');
  return entry;
}

/** The time in an element, limited to valid dates; null if it has none. @param {Element} element */
export function timeIn(element) {
  const text = element.getAttribute('data-at');
  return text === null ? null : Math.min(Math.max(Number(text), 0), LATEST) || 0;
}

/** @param {Element} element */
export function sequenceOf(element) {
  return Number(element.getAttribute('data-seq') ?? 0);
}

/** @param {Element} element */
export function kindOf(element) {
  return element.getAttribute('data-kind') ?? '';
}

/**
 * @param {Entry} entry
 * @param {number} at in ms since 1970
 */
export function setTime(entry, at) {
  const moment = new Date(at);
  entry.at = at;
  entry.day = (moment.getFullYear() * 12 + moment.getMonth()) * 31 + moment.getDate();
  const time = entry.element.querySelector('time');
  if (time === null) return;
  time.dateTime = moment.toISOString();
  time.textContent = clockOf(at);
}

/** @param {number} at in ms since 1970 */
export function clockOf(at) {
  const moment = new Date(at);
  return `${String(moment.getHours()).padStart(2, '0')}:${String(moment.getMinutes()).padStart(2, '0')}`;
}

const STATES = {
  pending: 'Sending…',
  unknown: 'Not acknowledged',
  stored: 'Stored',
  delivered: 'Delivered',
  failed: 'Not sent',
};

/**
 * @param {Entry} entry
 * @param {keyof typeof STATES} state
 * @param {string} reason why it failed, or why its state is unknown
 */
export function setState(entry, state, reason) {
  const mark = entry.state ?? document.createElement('span');
  mark.className = `state ${state}${reason === '' ? '' : ' explained'}`;
  mark.title = STATES[state];
  mark.dir = 'auto';
  const word = document.createElement('span');
  word.textContent = reason === '' ? STATES[state] : `${STATES[state]}: ${reason}`;
  mark.replaceChildren(word);
  if (entry.state === null) entry.element.append(mark);
  entry.state = mark;
}
