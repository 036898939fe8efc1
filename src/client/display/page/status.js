/** The status line: what is known of the client and its connection, and nothing that is not known. */

import { clockOf } from './entry.js';

/** @import { Entry } from './entry.js' */
/** @import { Pulse } from './live.js' */
/** @import { Liveness } from './liveness.js' */

const DATE = new Intl.DateTimeFormat('en-GB', { day: 'numeric', month: 'long' });

/** @param {HTMLElement} element */
export function createStatus(element) {
  const said = document.createElement('span');
  const countdown = document.createElement('span');
  // Read out once a second, it would drown all else.
  countdown.ariaHidden = 'true';
  element.append(countdown, said);
  /** What the log says last of the connection. */
  let last = { state: '', text: '' };
  let isFinal = false;

  /** @param {string} state @param {string} text @param {string} [count] what changes every second */
  function show(state, text, count = '') {
    if (isFinal) return;
    element.dataset.state = state;
    if (said.textContent !== text) said.textContent = text;
    if (countdown.textContent !== count) countdown.textContent = count;
  }

  /** @param {string} head */
  const withLast = (head) => (last.state === 'lost' ? `${head} · ${last.text}` : head);

  return {
    /** An entry about the connection. @param {Entry} entry */
    record({ element: { dataset }, element: entry, at }) {
      const text = entry.querySelector('.said')?.textContent ?? '';
      last = { state: dataset.state ?? '', text: `${text} · ${clockOf(at)}` };
    },

    /** @param {Liveness} liveness @param {number} since when the client was last alive @param {Pulse | null} pulse its last */
    tell(liveness, since, pulse) {
      if (liveness === 'silent') {
        return show('lost', `No sign of the client${since === 0 ? '' : ` since ${timeOf(since)}`}`);
      }
      if (liveness === 'unsure' || pulse === null) return show('', 'Looking for the client…');
      if (pulse.lacks === 'records')
        return show('lost', 'The client cannot write this page now: what comes is missing here until it can');
      if (pulse.lacks === 'updates')
        return show('lost', 'This page cannot follow by itself now: reload it to see what came');
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
    say: (state, text) => show(state, text),

    /** Says something that nothing else takes the place of. @param {string} state @param {string} text */
    end(state, text) {
      show(state, text);
      isFinal = true;
    },
  };
}

/** With its date where that is not today. @param {number} at in ms since 1970 */
function timeOf(at) {
  const moment = new Date(Math.min(at, Date.now()));
  const isToday = moment.toDateString() === new Date().toDateString();
  return isToday ? clockOf(moment.getTime()) : `${DATE.format(moment)}, ${clockOf(moment.getTime())}`;
}
