/** How the registry handles the verbs that it answers: one handler each, looked up by verb. */

import type { Account } from '../../chat/directory.ts';
import type { RefusalCode } from '../../protocol/vocabulary.ts';
import type { RegistryVerb, RequestCommand } from '../link/messages.ts';
import type { ShardLink } from './router.ts';

export type QueryAnswer =
  | { readonly type: 'ok'; readonly result: unknown }
  | { readonly type: 'refused'; readonly code: RefusalCode };

/**
 * Reads the state as it is behind everything that the connection has asked before. A promise if something of the answer comes from
 * another thread; other commands do not wait for it.
 */
export type Query = () => QueryAnswer | Promise<QueryAnswer>;

/**
 * Handles a command of the account. Returns a query if the command only reads, a code if it is refused at once, and nothing if
 * the handler sees to the answer itself.
 */
export type Handler<V extends RegistryVerb> = (
  command: RequestCommand<V>,
  account: Account,
  link: ShardLink,
) => Query | RefusalCode | undefined;

export type Handlers = { readonly [V in RegistryVerb]: Handler<V> };

export function handle<V extends RegistryVerb>(
  handlers: Handlers,
  command: RequestCommand<V>,
  account: Account,
  link: ShardLink,
): Query | RefusalCode | undefined {
  return handlers[command[0]](command, account, link);
}
