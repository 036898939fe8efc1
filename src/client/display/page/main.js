/** Puts the page together once the browser has read the file, and keeps it up to date. */

import { createBlocks } from './blocks.js';
import { createConversations } from './conversations.js';
import { createGrouping } from './grouping.js';
import { watchLive } from './live.js';
import { createLiveness } from './liveness.js';
import { createPlace } from './scroll-position.js';
import { createStatus } from './status.js';
import { recall, remember } from './tab-state.js';
import { createTimeline } from './timeline.js';

/** @import { Entry } from './entry.js' */
/** @import { News, Pulse } from './live.js' */

/** Earliest reload after the page was opened, in ms, so that a flood cannot keep it from being read. */
const RELOAD_AFTER = 1000;

function start() {
  const log = document.getElementById('log');
  const bar = document.getElementById('conversations');
  const line = document.getElementById('status');
  const button = document.getElementById('latest');
  // A file that was cut off within its head lacks some of them.
  if (log === null || bar === null || line === null || !(button instanceof HTMLButtonElement)) return;

  const { run = '', live = '' } = log.dataset;
  const memory = recall();
  const known = memory?.run === run ? memory : null;
  let reloadedFor = memory?.reloadedFor ?? '';

  const blocks = createBlocks(log);
  const timeline = createTimeline(blocks);
  const conversations = createConversations(bar, new Map(known?.unread ?? []));
  const grouping = createGrouping(blocks, timeline, conversations.shows);
  const place = createPlace(log, button, see);
  const status = createStatus(line);
  const liveness = createLiveness();
  /** @type {Pulse | null} */
  let pulse = null;

  function see() {
    if (!document.hidden && place.following()) conversations.see();
  }

  /**
   * @param {HTMLElement[]} elements in the order of their running numbers
   * @param {number} seen running number up to which this tab has shown messages before
   * @returns {number} how many messages are news to who looks at the chosen conversation
   */
  function take(elements, seen) {
    /** @type {Entry[]} */
    const missed = [];
    let renew = false;
    for (const element of elements) {
      const newest = timeline.lastId();
      const { type, entry } = timeline.take(element);
      if (type === 'reordered') renew = true;
      if (entry === null) continue;
      if (!renew && type === 'changed') grouping.touch(entry);
      if (type === 'changed') continue;
      if (!renew) grouping.extend(entry);
      conversations.meet(entry);
      if (entry.kind === 'connection') status.record(entry);
      // History that was asked for is not news.
      const isNews = entry.kind === 'message' && !entry.own && entry.id > newest;
      if (isNews && entry.sequence > seen) missed.push(entry);
    }
    if (renew) grouping.renew();
    conversations.miss(missed);
    return missed.filter(conversations.shows).length;
  }

  function save() {
    if (log === null) return false;
    const sequence = timeline.sequence();
    const unread = conversations.unread();
    const current = place.current();
    const entry = current && timeline.entryOf(current.element);
    const at = current && entry ? { sequence: entry.sequence, id: entry.id, top: current.top } : null;
    return remember({ run, sequence, unread, place: at, below: place.below(), reloadedFor });
  }

  /** Reloads the page, but only once for one reason. @param {string} reason */
  function reload(reason) {
    if (reloadedFor === reason) return;
    reloadedFor = reason;
    const again = () => {
      if (save()) location.reload();
      else status.end('lost', 'Reload this page to see what came since');
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
      place.changed(take(fresh, 0));
      see();
    }
  }

  /** What a look at the live file has brought. @param {News | null} news @param {Pulse | null} felt */
  function receive(news, felt) {
    const isOurs = news?.run === run;
    if (news !== null && !isOurs) reload(news.run);
    if (news !== null && isOurs) {
      update(news);
      pulse = felt;
    }
    const life = liveness.look(isOurs ? (felt?.at ?? null) : null, performance.now(), Date.now());
    const hasEnded = isOurs && news.closed;
    if (hasEnded) status.say('closed', 'The client has ended; this page stays as it is');
    else status.tell(life, liveness.since(), pulse);
    const isAlone = hasEnded || life === 'silent';
    timeline.forsake(isAlone);
    return !isAlone;
  }

  /** For a page that is full. @param {Element} end says where it goes on */
  function finish(end) {
    status.say('closed', end.textContent ?? '');
    timeline.forsake(true);
  }

  function restore() {
    const wanted = memory?.place;
    const isWanted = (/** @type {Entry} */ entry) =>
      known === null ? entry.id !== 0 && entry.id === wanted?.id : entry.sequence === wanted?.sequence;
    let entry = wanted ? timeline.first() : null;
    while (entry !== null && !isWanted(entry)) entry = entry.next;
    if (entry === null || !wanted) place.follow();
    else place.restore(entry.element, wanted.top);
  }

  bar.hidden = false;
  // A tab that has not been here before starts with everything seen.
  const seenBefore = memory === null ? Number.POSITIVE_INFINITY : (known?.sequence ?? 0);
  const elements = [...log.querySelectorAll('.entry')].filter((element) => element instanceof HTMLElement);
  const missed = take(elements, seenBefore);
  grouping.renew();
  document.documentElement.classList.remove('loading');
  restore();
  place.changed(missed + (known?.below ?? 0));
  see();

  history.scrollRestoration = 'manual';
  addEventListener('pagehide', save);
  document.addEventListener('visibilitychange', see);
  conversations.onChoice(() => {
    // Else a screen reader would read out all that comes into view.
    log.ariaLive = 'off';
    grouping.renew();
    place.follow();
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
