/** Messages, joins and leaves: what a connection asks becomes an intent of the turn. */

import type { Account } from '../../chat/directory.ts';
import type { Sessions } from '../../chat/sessions.ts';
import type { RefusalCode } from '../../protocol/vocabulary.ts';
import type { CommandOf } from '../link/messages.ts';
import type { Ledger } from './ledger.ts';
import type { Queries } from './queries.ts';
import type { ShardLink } from './router.ts';

export class RoomCommands {
  readonly #sessions: Sessions;
  readonly #ledger: Ledger;
  readonly #queries: Queries;

  constructor(sessions: Sessions, ledger: Ledger, queries: Queries) {
    this.#sessions = sessions;
    this.#ledger = ledger;
    this.#queries = queries;
  }

  send(
    link: ShardLink,
    [, number, connection, to, text, key = null]: CommandOf<'send'>,
  ): RefusalCode | undefined {
    const account = this.#sessions.find(link.index, connection);
    if (account === undefined) return 'not_logged_in';
    this.#ledger.turn.ask({ kind: 'say', ...asked(account, link, number), to, text, key });
    return undefined;
  }

  join(link: ShardLink, [, number, connection, room]: CommandOf<'join'>): RefusalCode | undefined {
    const account = this.#sessions.find(link.index, connection);
    if (account === undefined) return 'not_logged_in';
    this.#ledger.turn.ask({ kind: 'join', ...asked(account, link, number), room }, (outcome) => {
      if (typeof outcome === 'string') link.out.push(['error', number, outcome]);
      else if (outcome.type === 'refused') link.out.push(['error', number, outcome.code]);
      else if (outcome.type === 'unchanged') {
        link.out.push(['ok', number, [null, this.#queries.members(room, null)]]);
      }
    });
    return undefined;
  }

  leave(link: ShardLink, [, number, connection, room]: CommandOf<'leave'>): RefusalCode | undefined {
    const account = this.#sessions.find(link.index, connection);
    if (account === undefined) return 'not_logged_in';
    this.#ledger.turn.ask({ kind: 'leave', ...asked(account, link, number), room });
    return undefined;
  }
}

function asked({ id, name }: Account, { incarnation }: ShardLink, number: number) {
  return { account: id, user: name, origin: { shard: incarnation, number } };
}
