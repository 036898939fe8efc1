/** The interface of the registry's handlers: one per verb that it answers. */

import type { Account } from '../../chat/directory.ts';
import type { RefusalCode } from '../../protocol/vocabulary.ts';
import type { RegistryVerb, RequestCommand } from '../link/messages.ts';
import type { ShardLink } from './router.ts';

export type QueryAnswer =
  | { readonly type: 'ok'; readonly result: unknown }
  | { readonly type: 'refused'; readonly code: RefusalCode };

/**
 * Reads the state after all earlier commands of the connection. Returns a promise if part of the answer comes from another
 * thread. Other commands do not wait for it, but requests for which a session waits until everything earlier has been
 * answered do (`history`, `search`, `logout`, `quit`): keep its deadline short.
 */
export type Query = () => QueryAnswer | Promise<QueryAnswer>;

/**
 * Handles a command of the account. Returns a query if the command only reads, a code if the handler refuses it at once,
 * and undefined if the handler arranges for the answer itself.
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
