/**
 * The verbs of the protocol, one row each: who may use the verb, its arguments, and the part of the server that answers
 * it. The types and checks below derive everything else from the row. `docs/protocol.md` is the reference for people.
 */

import {
  type Argument,
  after,
  before,
  conversation,
  firstFault,
  fits,
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
import type { RefusalCode } from './vocabulary.ts';

/** Whether a connection is logged in, and as what. */
export type LoginState = 'anonymous' | 'guest' | 'account';

/** Who may use a verb. `anonymous`: only before login. `account`: logged in, and not as a guest. */
export type Guard = 'anyone' | 'anonymous' | 'logged_in' | 'account';

/**
 * The part of the server that answers. The shard's session handles `connection` and `auth` itself, the latter with the
 * help of auth. It forwards all other requests, with checked arguments, to the registry or the archive.
 */
export type Destination = 'connection' | 'auth' | 'registry' | 'archive';

interface Row {
  readonly verb: string;
  readonly destination: Destination;
  readonly guard: Guard;
  readonly arguments: ReadonlyArray<Argument<unknown>>;
  /** An accepted request becomes an entry of the log. */
  readonly isEntry?: true;
}

export const VERBS = [
  { verb: 'hello', destination: 'connection', guard: 'anyone', arguments: [greeting] },
  { verb: 'register', destination: 'auth', guard: 'anonymous', arguments: [user, password] },
  { verb: 'login', destination: 'auth', guard: 'anonymous', arguments: [user, secret, lastId] },
  { verb: 'resume', destination: 'auth', guard: 'anonymous', arguments: [user, token, lastId] },
  { verb: 'guest', destination: 'auth', guard: 'anonymous', arguments: [user] },
  { verb: 'logout', destination: 'auth', guard: 'logged_in', arguments: [] },
  { verb: 'quit', destination: 'connection', guard: 'anyone', arguments: [] },
  { verb: 'ping', destination: 'connection', guard: 'anyone', arguments: [] },
  {
    verb: 'send',
    destination: 'registry',
    guard: 'logged_in',
    arguments: [recipient, text, key],
    isEntry: true,
  },
  { verb: 'seen', destination: 'registry', guard: 'logged_in', arguments: [messageId] },
  { verb: 'history', destination: 'archive', guard: 'logged_in', arguments: [conversation, before, limit] },
  {
    verb: 'search',
    destination: 'archive',
    guard: 'logged_in',
    arguments: [query, optionalConversation, before, limit],
  },
  { verb: 'join', destination: 'registry', guard: 'logged_in', arguments: [room], isEntry: true },
  { verb: 'leave', destination: 'registry', guard: 'logged_in', arguments: [room], isEntry: true },
  { verb: 'who', destination: 'registry', guard: 'logged_in', arguments: [optionalRoom, after] },
  { verb: 'rooms', destination: 'registry', guard: 'logged_in', arguments: [after] },
  { verb: 'whois', destination: 'registry', guard: 'logged_in', arguments: [user] },
  { verb: 'password', destination: 'auth', guard: 'account', arguments: [secret, password] },
] as const satisfies readonly Row[];

type VerbRow = (typeof VERBS)[number];
type RowOf<V extends Verb> = Extract<VerbRow, { readonly verb: V }>;

export type Verb = VerbRow['verb'];
/** The verbs that this part of the server answers. */
export type VerbOf<D extends Destination> = Extract<VerbRow, { readonly destination: D }>['verb'];
/** The arguments as the server reads them. Optional ones may be undefined or null; trailing ones may be missing. */
export type ArgumentsOf<V extends Verb> = Values<RowOf<V>['arguments']>;
/** The arguments as a client passes them. It may omit trailing optional ones. */
export type GivenArguments<V extends Verb> = Given<ArgumentsOf<V>>;
type Given<T extends readonly unknown[]> = T extends readonly [...infer Others, infer Last]
  ? undefined extends Last
    ? T | Given<Others>
    : T
  : T;

/** A request that has passed the checks of its row: guard and arguments. */
export type Request<V extends Verb = Verb> = {
  [P in V]: {
    readonly type: 'request';
    readonly verb: P;
    readonly destination: RowOf<P>['destination'];
    /** Chosen by the client; the answer carries it. */
    readonly id: number;
    readonly values: ArgumentsOf<P>;
  };
}[V];

/** `id`: null if the frame has no valid request id. `text`: set if it is more specific than the code's default text. */
export interface RefusedRequest {
  readonly type: 'refused';
  readonly id: number | null;
  readonly code: RefusalCode;
  readonly text?: string | undefined;
}

const ROWS: ReadonlyMap<unknown, VerbRow> = new Map(VERBS.map((row) => [row.verb, row]));
const ENTRIES: ReadonlySet<string> = new Set(VERBS.filter((row) => 'isEntry' in row).map(({ verb }) => verb));

/** True for a verb whose accepted requests become entries of the log. */
export function isEntryVerb(verb: string): boolean {
  return ENTRIES.has(verb);
}

/** True if the arguments pass the checks of the verb's row. */
export function fitsVerb<V extends Verb>(verb: V, values: readonly unknown[]): values is ArgumentsOf<V> {
  return fits(values, ROWS.get(verb)?.arguments ?? []);
}

/** Checks the frame `[verb, request id, …arguments]` of a client in this state. Ignores surplus elements. */
export function checkRequest(frame: readonly unknown[], state: LoginState): Request | RefusedRequest {
  const [verb, id] = frame;
  if (!isRequestId(id)) return { type: 'refused', id: null, code: 'bad_request_id' };
  const row = ROWS.get(verb);
  if (row === undefined) return { type: 'refused', id, code: 'unknown_command' };
  const denied = deny(row.guard, state);
  if (denied !== undefined) return { type: 'refused', id, code: denied };
  const values = frame.slice(2, 2 + row.arguments.length);
  const request = { type: 'request', verb: row.verb, destination: row.destination, id, values } as const;
  if (fitsRow(request, row)) return request;
  const fault = firstFault(values, row.arguments);
  return { type: 'refused', id, code: fault?.code ?? 'bad_argument', text: fault?.text };
}

interface UncheckedRequest {
  readonly type: 'request';
  readonly verb: Verb;
  readonly destination: Destination;
  readonly id: number;
  readonly values: readonly unknown[];
}

function fitsRow(request: UncheckedRequest, row: VerbRow): request is Request {
  return fits(request.values, row.arguments);
}

function isRequestId(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;
}

function deny(guard: Guard, state: LoginState): RefusalCode | undefined {
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
