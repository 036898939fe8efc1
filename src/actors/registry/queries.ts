/** The verbs that only read. */

import type { RefusalCode } from '../../protocol/vocabulary.ts';
import type { Handlers, QueryAnswer } from './handlers.ts';
import type { Lists } from './lists.ts';

export function queries(lists: Lists) {
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
  } satisfies Partial<Handlers>;
}

function ok(result: unknown): QueryAnswer {
  return { type: 'ok', result };
}

function refused(code: RefusalCode): QueryAnswer {
  return { type: 'refused', code };
}
