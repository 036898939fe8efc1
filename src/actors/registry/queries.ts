/** Handlers of the verbs that only read the state. */

import { type Directory, inOrder } from '../../chat/directory.ts';
import type { Sessions } from '../../chat/sessions.ts';
import type { RefusalCode } from '../../protocol/vocabulary.ts';
import type { Outcome } from '../kernel/actor.ts';
import type { Handlers, QueryAnswer } from './handlers.ts';
import type { Lists } from './lists.ts';

export interface QueryParts {
  readonly directory: Directory;
  readonly sessions: Sessions;
  readonly lists: Lists;
  /** Asks auth when the account was registered, in milliseconds since 1970; null if auth has no such account. */
  readonly registeredAt: (user: string) => Promise<Outcome<number | null>>;
}

export function queries({ directory, sessions, lists, registeredAt }: QueryParts) {
  return {
    who([, , , room, after = null]) {
      return () => {
        if (room == null) return ok(lists.online(after));
        return lists.hasRoom(room) ? ok(lists.members(room, after)) : refused('no_such_room');
      };
    },

    rooms([, , , after = null]) {
      return () => ok(lists.rooms(after));
    },

    whois([, , , name], asker) {
      return async () => {
        const account = directory.account(name);
        if (account === undefined) return refused('no_such_user');
        const { name: user, guest } = account;
        const onlineSince = sessions.onlineSince(account) ?? null;
        const shared = [...directory.roomsOf(account).keys()].filter(({ members }) => members.has(asker.id));
        const rooms = inOrder(shared).map((room) => room.name);
        // Read no state after this line: it may have changed by the time auth answers.
        const reply = guest ? undefined : await registeredAt(user);
        const time = reply?.type === 'answered' ? reply.value : null;
        return ok({ user, guest, onlineSince, registeredAt: time, rooms });
      };
    },
  } satisfies Partial<Handlers>;
}

function ok(result: unknown): QueryAnswer {
  return { type: 'ok', result };
}

function refused(code: RefusalCode): QueryAnswer {
  return { type: 'refused', code };
}
