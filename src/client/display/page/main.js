/** Assembles the page once the browser has parsed the file, and keeps it up to date. */

import { createBlocks } from './blocks.js';
import { createConversations } from './conversations.js';
import { createGrouping } from './grouping.js';
import { watchLive } from './live.js';
import { createLiveness } from './liveness.js';
import { createScrollPosition } from './scroll-position.js';
import { createStatus } from './status.js';
import { loadTabState, saveTabState } from './tab-state.js';
import { createTimeline } from './timeline.js';

/** @import { Entry } from './entry.js' */
/** @import { News, Pulse } from './live.js' */

/** Earliest reload after the page was opened, in ms, so that constant traffic cannot make it unreadable. */
const RELOAD_AFTER = 1000;

function start() {
  const log = document.getElementById('log');
  const bar = document.getElementById('conversations');
  const line = document.getElementById('status');
  const button = document.getElementById('latest');
  // A file cut off within its head lacks some of these elements.
  if (log === null || bar === null || line === null || !(button instanceof HTMLButtonElement)) return;

  const { run = '', live = '' } = log.dataset;
  const saved = loadTabState();
  const known = saved?.run === run ? saved : null;
  let reloadedFor = saved?.reloadedFor ?? '';

  const blocks = createBlocks(log);
  const timeline = createTimeline(blocks);
  const conversations = createConversations(bar, new Map(known?.unread ?? []));
  const grouping = createGrouping(blocks, timeline, conversations.shows);
  const position = createScrollPosition(log, button, markRead);
  const status = createStatus(line);
  const liveness = createLiveness();
  /** @type {Pulse | null} */
  let pulse = null;

  function markRead() {
    if (!document.hidden && position.following()) conversations.markRead();
  }

  /**
   * @param {HTMLElement[]} elements in the order of their sequence numbers
   * @param {number} seen sequence number up to which this tab has shown messages before
   * @returns {number} how many of the messages are new in the chosen conversation
   */
  function take(elements, seen) {
    /** @type {Entry[]} */
    const missed = [];
    let reordered = false;
    for (const element of elements) {
      const newest = timeline.lastId();
      const { type, entry } = timeline.take(element);
      if (type === 'reordered') reordered = true;
      if (entry === null) continue;
      if (!reordered && type === 'changed') grouping.regroup(entry);
      if (type === 'changed') continue;
      if (!reordered) grouping.append(entry);
      conversations.addFor(entry);
      if (entry.kind === 'connection') status.record(entry);
      // History that the user asked for is not new.
      const isNews = entry.kind === 'message' && !entry.own && entry.id > newest;
      if (isNews && entry.sequence > seen) missed.push(entry);
    }
    if (reordered) grouping.regroupAll();
    conversations.countUnread(missed);
    return missed.filter(conversations.shows).length;
  }

  function save() {
    if (log === null) return false;
    const sequence = timeline.sequence();
    const unread = conversations.unread();
    const current = position.current();
    const entry = current && timeline.entryOf(current.element);
    const at = current && entry ? { sequence: entry.sequence, id: entry.id, top: current.top } : null;
    return saveTabState({ run, sequence, unread, place: at, below: position.below(), reloadedFor });
  }

  /** Reloads the page, but only once per reason. @param {string} reason */
  function reload(reason) {
    if (reloadedFor === reason) return;
    reloadedFor = reason;
    const again = () => {
      if (save()) location.reload();
      else status.end('lost', 'Reload this page to see new messages');
    };
    setTimeout(again, Math.max(0, RELOAD_AFTER - performance.now()));
  }

  /** @param {News} news */
  function update({ run: writer, first, elements }) {
    const next = timeline.sequence() + 1;
    if (first > next) return reload(`${writer} ${first}`);
    const template = document.createElement('template');
    template.innerHTML = elements.slice(next - first).join('');
    const fresh = [...template.content.children].filter((child) => child instanceof HTMLElement);
    if (fresh.length > 0) {
      position.changed(take(fresh, 0));
      markRead();
    }
  }

  /** Handles one check of the live file. @param {News | null} news @param {Pulse | null} newPulse */
  function receive(news, newPulse) {
    const isOurs = news?.run === run;
    if (news !== null && !isOurs) reload(news.run);
    if (news !== null && isOurs) {
      update(news);
      pulse = newPulse;
    }
    const life = liveness.check(isOurs ? (newPulse?.at ?? null) : null, performance.now(), Date.now());
    const hasEnded = isOurs && news.closed;
    if (hasEnded) status.show('closed', 'The client has exited; this page no longer changes');
    else status.update(life, liveness.since(), pulse);
    const hasClient = !hasEnded && life !== 'silent';
    timeline.setAbandoned(!hasClient);
    return hasClient;
  }

  /** For a full page. @param {Element} end says where it continues */
  function finish(end) {
    status.show('closed', end.textContent ?? '');
    timeline.setAbandoned(true);
  }

  function restore() {
    const wanted = saved?.place;
    const isWanted = (/** @type {Entry} */ entry) =>
      known === null ? entry.id !== 0 && entry.id === wanted?.id : entry.sequence === wanted?.sequence;
    let entry = wanted ? timeline.first() : null;
    while (entry !== null && !isWanted(entry)) entry = entry.next;
    if (entry === null || !wanted) position.follow();
    else position.restore(entry.element, wanted.top);
  }

  bar.hidden = false;
  // A tab that opens this page for the first time counts everything as read.
  const seenBefore = saved === null ? Number.POSITIVE_INFINITY : (known?.sequence ?? 0);
  const elements = [...log.querySelectorAll('.entry')].filter((element) => element instanceof HTMLElement);
  const missed = take(elements, seenBefore);
  grouping.regroupAll();
  document.documentElement.classList.remove('loading');
  restore();
  position.changed(missed + (known?.below ?? 0));
  markRead();

  history.scrollRestoration = 'manual';
  addEventListener('pagehide', save);
  document.addEventListener('visibilitychange', markRead);
  conversations.onChoice(() => {
    // Otherwise a screen reader would read out everything that comes into view.
    log.ariaLive = 'off';
    grouping.regroupAll();
    position.follow();
    setTimeout(() => {
      log.ariaLive = 'polite';
    }, 1000);
  });
  const end = log.querySelector('.end');
  if (end === null) watchLive(live, receive);
  else finish(end);
}

document.documentElement.classList.add('scripted', 'loading');
document.addEventListener('DOMContentLoaded', () => {
  try {
    start();
  } finally {
    document.documentElement.classList.remove('loading');
  }
});
