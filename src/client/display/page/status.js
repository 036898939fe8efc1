/** The status line: what the page knows about the client and its connection. It never claims more than it knows. */

import { clockOf } from './entry.js';

/** @import { Entry } from './entry.js' */
/** @import { Pulse } from './live.js' */
/** @import { Liveness } from './liveness.js' */

const DATE = new Intl.DateTimeFormat('en-GB', { day: 'numeric', month: 'long' });

/** @param {HTMLElement} element */
export function createStatus(element) {
  const message = document.createElement('span');
  const countdown = document.createElement('span');
  // Hidden from screen readers: reading it out every second would drown everything else.
  countdown.ariaHidden = 'true';
  element.append(countdown, message);
  /** The latest connection entry in the log. */
  let last = { state: '', text: '' };
  let isFinal = false;

  /** @param {string} state @param {string} text @param {string} [count] the part that changes every second */
  function show(state, text, count = '') {
    if (isFinal) return;
    element.dataset.state = state;
    if (message.textContent !== text) message.textContent = text;
    if (countdown.textContent !== count) countdown.textContent = count;
  }

  /** @param {string} head */
  const withLast = (head) => (last.state === 'lost' ? `${head} · ${last.text}` : head);

  return {
    /** Remembers a connection entry. @param {Entry} entry */
    record({ element: { dataset }, element: entry, at }) {
      const text = entry.querySelector('.connection-text')?.textContent ?? '';
      last = { state: dataset.state ?? '', text: `${text} · ${clockOf(at)}` };
    },

    /**
     * @param {Liveness} liveness @param {number} since when the client was last alive @param {Pulse | null} pulse its
     * last pulse
     */
    update(liveness, since, pulse) {
      if (liveness === 'silent') {
        return show('lost', `The client has not responded${since === 0 ? '' : ` since ${timeOf(since)}`}`);
      }
      if (liveness === 'unsure' || pulse === null) return show('', 'Waiting for the client…');
      if (pulse.lacks === 'records')
        return show('lost', 'The client cannot write this page, so new messages are missing until it can');
      if (pulse.lacks === 'updates')
        return show('lost', 'This page cannot update itself at the moment; reload it to see new messages');
      switch (pulse.connection) {
        case 'online':
          return show('connected', last.state === 'connected' ? last.text : 'connected');
        case 'connecting':
          return show(last.state, withLast('connecting'));
        case 'waiting': {
          const seconds = Math.max(0, Math.ceil((pulse.retryAt - Date.now()) / 1000));
          return show(
            'lost',
            last.state === 'lost' ? ` · ${last.text}` : '',
            `offline, next try in ${seconds} s`,
          );
        }
        case 'offline':
          return show('lost', withLast('offline'));
      }
    },

    /** @param {string} state @param {string} text */
    show: (state, text) => show(state, text),

    /** Shows a final status. @param {string} state @param {string} text */
    end(state, text) {
      show(state, text);
      isFinal = true;
    },
  };
}

/** The time, with its date unless that is today. @param {number} at in ms since 1970 */
function timeOf(at) {
  const moment = new Date(Math.min(at, Date.now()));
  const isToday = moment.toDateString() === new Date().toDateString();
  return isToday ? clockOf(moment.getTime()) : `${DATE.format(moment)}, ${clockOf(moment.getTime())}`;
}
