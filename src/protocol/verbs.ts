/**
 * The commands of the protocol, in one table: verb → who may say it, its arguments, what it does. `docs/protocol.md`
 * describes them for people.
 */

import {
  type Argument,
  after,
  before,
  conversation,
  firstFault,
  fits,
  type Greeting,
  greeting,
  key,
  lastId,
  limit,
  id as messageId,
  optionalConversation,
  optionalRoom,
  password,
  query,
  recipient,
  room,
  secret,
  text,
  token,
  user,
  type Values,
} from './arguments.ts';
import { type RefusalCode, refusal } from './vocabulary.ts';

/** What commands can do to the connection that they came on. Each answers the request by itself. */
export interface Caller {
  readonly state: 'anonymous' | 'guest' | 'account';
  greet(requestId: number, greeting: Greeting | null | undefined): void;
  register(requestId: number, user: string, password: string): Promise<void>;
  login(requestId: number, user: string, password: string, lastId: number | null): Promise<void>;
  resume(requestId: number, user: string, token: string, lastId: number | null): Promise<void>;
  guest(requestId: number, name: string): Promise<void>;
  changePassword(requestId: number, old: string, next: string): Promise<void>;
  logout(requestId: number): Promise<void>;
  quit(requestId: number): void;
  pong(requestId: number): void;
  send(requestId: number, to: string, text: string, key: string | null): void;
  seen(requestId: number, id: number): void;
  history(requestId: number, request: HistoryRequest): Promise<void>;
  search(requestId: number, query: string, request: SearchRequest): Promise<void>;
  join(requestId: number, room: string): void;
  leave(requestId: number, room: string): void;
  who(requestId: number, room: string | null, after: string | null): void;
  rooms(requestId: number, after: string | null): void;
}

/** Which page of the past is asked for. `before`: null for the newest. `limit`: null for as many as is usual. */
export interface SearchRequest {
  readonly with: string | null;
  readonly before: number | null;
  readonly limit: number | null;
}
export interface HistoryRequest extends SearchRequest {
  readonly with: string;
}

/** Who may say a verb. `anonymous`: only before login. `account`: logged in, and not as a guest. */
export type Guard = 'anyone' | 'anonymous' | 'logged_in' | 'account';

export interface Verb {
  readonly guard: Guard;
  readonly arguments: ReadonlyArray<Argument<unknown>>;
  /** True if it was run; false if the arguments do not fit. A promise if later commands must wait for it. */
  run(caller: Caller, requestId: number, values: readonly unknown[]): boolean | Promise<boolean>;
}

function define<const Specs extends ReadonlyArray<Argument<unknown>>>(
  guard: Guard,
  specs: Specs,
  run: (caller: Caller, requestId: number, values: Values<Specs>) => void | Promise<void>,
): Verb {
  return {
    guard,
    arguments: specs,
    run(caller, requestId, values) {
      if (!fits(values, specs)) return false;
      const done = run(caller, requestId, values);
      return done instanceof Promise ? done.then(() => true) : true;
    },
  };
}

export const COMMANDS: ReadonlyMap<string, Verb> = new Map([
  [
    'send',
    define('logged_in', [recipient, text, key], (c, id, [to, body, k]) => c.send(id, to, body, k ?? null)),
  ],
  ['ping', define('anyone', [], (c, id) => c.pong(id))],
  ['hello', define('anyone', [greeting], (c, id, [hello]) => c.greet(id, hello))],
  ['register', define('anonymous', [user, password], (c, id, [name, given]) => c.register(id, name, given))],
  [
    'login',
    define('anonymous', [user, secret, lastId], (c, id, [name, given, last]) =>
      c.login(id, name, given, last ?? null),
    ),
  ],
  [
    'resume',
    define('anonymous', [user, token, lastId], (c, id, [name, given, last]) =>
      c.resume(id, name, given, last ?? null),
    ),
  ],
  ['guest', define('anonymous', [user], (c, id, [name]) => c.guest(id, name))],
  ['logout', define('logged_in', [], (c, id) => c.logout(id))],
  ['quit', define('anyone', [], (c, id) => c.quit(id))],
  ['seen', define('logged_in', [messageId], (c, id, [seen]) => c.seen(id, seen))],
  [
    'history',
    define('logged_in', [conversation, before, limit], (c, id, [of, to, count]) =>
      c.history(id, { with: of, before: to ?? null, limit: count ?? null }),
    ),
  ],
  [
    'search',
    define('logged_in', [query, optionalConversation, before, limit], (c, id, [words, of, to, count]) =>
      c.search(id, words, { with: of ?? null, before: to ?? null, limit: count ?? null }),
    ),
  ],
  ['join', define('logged_in', [room], (c, id, [name]) => c.join(id, name))],
  ['leave', define('logged_in', [room], (c, id, [name]) => c.leave(id, name))],
  [
    'who',
    define('logged_in', [optionalRoom, after], (c, id, [of, from]) => c.who(id, of ?? null, from ?? null)),
  ],
  ['rooms', define('logged_in', [after], (c, id, [from]) => c.rooms(id, from ?? null))],
  [
    'password',
    define('account', [secret, password], (c, id, [old, next]) => c.changePassword(id, old, next)),
  ],
]);

/** What happened to one request: done (perhaps later), or refused with this frame. */
export type Ran = 'done' | Promise<boolean> | ReturnType<typeof refusal>;

/** Checks the request `[verb, request id, …arguments]` for syntax, then for meaning, and runs it. */
export function runCommand(caller: Caller, request: readonly unknown[]): Ran {
  const [verb, requestId] = request;
  if (!isRequestId(requestId)) return refusal(null, 'bad_request_id');
  const command = typeof verb === 'string' ? COMMANDS.get(verb) : undefined;
  if (command === undefined) return refusal(requestId, 'unknown_command');
  const denied = deny(command.guard, caller.state);
  if (denied !== undefined) return refusal(requestId, denied);
  const values = request.slice(2);
  const ran = command.run(caller, requestId, values);
  if (ran === true) return 'done';
  if (ran !== false) return ran;
  const fault = firstFault(values, command.arguments);
  return refusal(requestId, fault?.code ?? 'bad_argument', fault?.text);
}

function isRequestId(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;
}

function deny(guard: Guard, state: Caller['state']): RefusalCode | undefined {
  switch (guard) {
    case 'anyone':
      return undefined;
    case 'anonymous':
      return state === 'anonymous' ? undefined : 'already_logged_in';
    case 'logged_in':
      return state === 'anonymous' ? 'not_logged_in' : undefined;
    case 'account':
      if (state === 'account') return undefined;
      return state === 'guest' ? 'not_for_guests' : 'not_logged_in';
    default:
      return guard satisfies never;
  }
}
