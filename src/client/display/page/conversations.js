/** The conversation bar: links that choose the conversation to show, each with its unread count. */

/** @import { Entry } from './entry.js' */

/**
 * @typedef {object} Conversation
 * @property {string} key
 * @property {string} label
 * @property {number} unread
 * @property {HTMLAnchorElement} link
 * @property {HTMLElement} badge
 */

const PREFIX = '#in=';

/**
 * @param {HTMLElement} bar
 * @param {Map<string, number>} unread counts from before a reload
 */
export function createConversations(bar, unread) {
  /** @type {Map<string, Conversation>} */
  const known = new Map();
  const pageTitle = document.title;
  const all = createConversation('', 'All');
  bar.append(all.link);
  const rooms = addSection(bar, 'Rooms');
  const people = addSection(bar, 'People');
  let shown = chosen();
  mark();

  /** @param {string} key @param {string} label */
  function add(key, label) {
    const conversation = createConversation(key, label);
    conversation.unread = unread.get(key) ?? 0;
    known.set(key, conversation);
    const list = key.startsWith('#') ? rooms : people;
    const item = document.createElement('li');
    item.append(conversation.link);
    item.dataset.key = key;
    const next = [...list.querySelectorAll('li')].find((other) => (other.dataset.key ?? '') > key);
    list.insertBefore(item, next ?? null);
    if (list.parentElement !== null) list.parentElement.hidden = false;
    mark();
  }

  function mark() {
    for (const { key, link } of [all, ...known.values()]) link.ariaCurrent = key === shown ? 'true' : null;
    document.body.classList.toggle('single', shown !== '');
    count();
  }

  function count() {
    all.unread = 0;
    for (const conversation of known.values()) {
      all.unread += conversation.unread;
      showUnread(conversation);
    }
    showUnread(all);
    const name = shown === '' ? '' : `${known.get(shown)?.label ?? shown} – `;
    document.title = `${all.unread === 0 ? '' : `(${all.unread}) `}${name}${pageTitle}`;
  }

  return {
    /** Whether an entry is shown. An entry without a conversation is always shown. @param {Entry} entry */
    shows: (entry) => shown === '' || entry.conversation === '' || entry.conversation === shown,

    /** Adds the conversation of an entry to the bar if it is new. @param {Entry} entry */
    addFor(entry) {
      if (entry.label !== '' && !known.has(entry.conversation)) add(entry.conversation, entry.label);
    },

    /** Counts messages as unread. @param {Entry[]} entries */
    countUnread(entries) {
      for (const entry of entries) {
        const conversation = known.get(entry.conversation);
        if (conversation !== undefined) conversation.unread += 1;
      }
      count();
    },

    /** Marks everything in the chosen conversation as read. */
    markRead() {
      for (const conversation of known.values()) {
        if (shown === '' || shown === conversation.key) conversation.unread = 0;
      }
      count();
    },

    /** @returns {[key: string, unread: number][]} */
    unread: () => [...known.values()].map(({ key, unread: count }) => [key, count]),

    /** @param {() => void} changed */
    onChoice(changed) {
      addEventListener('hashchange', () => {
        shown = chosen();
        mark();
        changed();
      });
    },
  };
}

/** The key of the conversation in the address, or empty for all. */
function chosen() {
  if (!location.hash.startsWith(PREFIX)) return '';
  try {
    return decodeURIComponent(location.hash.slice(PREFIX.length));
  } catch {
    return '';
  }
}

/** @param {string} key @param {string} label @returns {Conversation} */
function createConversation(key, label) {
  const link = document.createElement('a');
  const name = document.createElement('bdi');
  const badge = document.createElement('span');
  link.href = `${PREFIX}${encodeURIComponent(key)}`;
  name.textContent = label;
  badge.className = 'badge';
  link.append(name, badge);
  return { key, label, unread: 0, link, badge };
}

/** @param {Conversation} conversation */
function showUnread({ unread, badge }) {
  const text = unread === 0 ? '' : String(unread);
  if (badge.textContent === text) return;
  badge.textContent = text;
  badge.title = unread === 0 ? '' : `${unread} unread`;
}

/** A list with a heading, hidden while empty. @param {HTMLElement} bar @param {string} title */
function addSection(bar, title) {
  const section = document.createElement('section');
  const heading = document.createElement('h2');
  const list = document.createElement('ul');
  heading.textContent = title;
  section.hidden = true;
  section.append(heading, list);
  bar.append(section);
  return list;
}
