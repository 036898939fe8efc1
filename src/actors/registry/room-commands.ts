/** Handlers of `send`, `join` and `leave`: each adds an intent to the turn. */

import type { Account } from '../../chat/directory.ts';
import type { Handlers } from './handlers.ts';
import type { Ledger } from './ledger.ts';
import type { Lists } from './lists.ts';
import type { ShardLink } from './router.ts';

export function roomCommands(ledger: Ledger, lists: Lists) {
  return {
    send([, number, , to, text, key = null], account, link) {
      ledger.turn.addIntent({ kind: 'say', ...requestedBy(account, link, number), to, text, key });
      return undefined;
    },

    join([, number, , room], account, link) {
      ledger.turn.addIntent({ kind: 'join', ...requestedBy(account, link, number), room }, (outcome) => {
        if (typeof outcome === 'string') link.out.push(['error', number, outcome]);
        else if (outcome.type === 'refused') link.out.push(['error', number, outcome.code]);
        else if (outcome.type === 'unchanged') {
          link.out.push(['ok', number, [null, lists.members(room, null)]]);
        }
      });
      return undefined;
    },

    leave([, number, , room], account, link) {
      ledger.turn.addIntent({ kind: 'leave', ...requestedBy(account, link, number), room });
      return undefined;
    },
  } satisfies Partial<Handlers>;
}

function requestedBy({ id, name }: Account, { incarnation }: ShardLink, number: number) {
  return { account: id, user: name, origin: { shard: incarnation, number } };
}
