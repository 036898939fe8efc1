/**
 * A scripted server that keeps its promises: one log, rising ids, replay after the last id, keys. It also breaks every
 * connection after the number of bytes that a test gives.
 */

import { encodeFrame } from '../../src/protocol/codec.ts';
import type { Caller, Request } from '../support/scripted-server.ts';

type Frame = readonly unknown[];

const TOKEN = 'a token of the scripted log';

export class ScriptedLog {
  /** Everything that alice may see, as events in the order of ids. */
  readonly entries: Array<{ readonly id: number; readonly event: Frame }> = [];
  /** Of alice's account. */
  seen = 0;
  /** Bytes after which each connection is broken, in the order of connections; later connections are not broken. */
  cuts: readonly number[] = [];
  /** Bytes sent to each connection, from connection 1 on. */
  readonly sent: number[] = [0];
  /** What each stored message is answered with. It may change the log. */
  reply: (text: string) => void = () => {};
  readonly #ids = new Map<unknown, number>();
  readonly #live = new Map<number, Caller>();
  #isMember = false;

  get newest(): number {
    return this.entries.at(-1)?.id ?? 0;
  }

  /** Another user writes to alice. */
  say(from: string, to: string, text: string): void {
    this.#append((id) => ['message', id, id, from, to, text]);
  }

  /** Drops connections whose loss alice has not noticed yet. */
  readonly script = (request: Request, caller: Caller): boolean => {
    const { verb, id, values, connection } = request;
    const answer = (...frames: Frame[]): void => this.#send(caller, frames);
    switch (verb) {
      case 'login':
        this.#enter(connection, caller, id, values[2]);
        return true;
      case 'resume':
        if (values[1] === TOKEN) this.#enter(connection, caller, id, values[2]);
        else answer(['error', id, 'bad_token', 'log in with the password']);
        return true;
      case 'send': {
        const [to, text, key] = values;
        const stored = this.#ids.get(key);
        const entry =
          stored ?? this.#append((at) => ['message', at, at, 'alice', to, text, key], connection).id;
        this.#ids.set(key, entry);
        answer(['ok', id, [entry, entry]]);
        if (stored === undefined) this.reply(String(text));
        return true;
      }
      case 'join': {
        const [room] = values;
        const joined = this.#isMember
          ? null
          : this.#append((at) => ['joined', at, at, room, 'alice'], connection).id;
        this.#isMember = true;
        answer(['ok', id, [joined, [[['alice', true]], null]]]);
        return true;
      }
      case 'seen':
        this.seen = Math.max(this.seen, Number(values[0]));
        answer(['ok', id]);
        return true;
      case 'quit':
        answer(['ok', id], ['bye', 'quit', 'goodbye']);
        caller.end();
        return true;
      default:
        answer(['ok', id]);
        return true;
    }
  };

  #enter(connection: number, caller: Caller, requestId: unknown, lastId: unknown): void {
    const from = typeof lastId === 'number' ? Math.min(lastId, this.newest) : this.seen;
    const missed = this.entries.filter(({ id }) => id > from).map(({ event }) => event);
    const rooms = this.#isMember ? ['#tea'] : [];
    this.#live.set(connection, caller);
    const welcome = ['ok', requestId, { user: 'alice', rooms, token: TOKEN }];
    this.#send(caller, [welcome, ...missed, ['live', this.newest]]);
  }

  /** `by`: the connection that learns of the entry through an answer. */
  #append(describe: (id: number) => Frame, by?: number): { readonly id: number; readonly event: Frame } {
    const id = this.newest + 10;
    const entry = { id, event: describe(id) };
    this.entries.push(entry);
    for (const [connection, caller] of this.#live) if (connection !== by) this.#send(caller, [entry.event]);
    return entry;
  }

  #send(caller: Caller, frames: readonly Frame[]): void {
    const { connection } = caller;
    const bytes = Buffer.concat(frames.map(encodeFrame));
    const before = this.sent[connection] ?? 0;
    const rest = (this.cuts[connection - 1] ?? Number.POSITIVE_INFINITY) - before;
    this.sent[connection] = before + Math.max(0, Math.min(rest, bytes.length));
    if (rest > 0) caller.sendBytes(bytes.subarray(0, rest));
    if (rest > bytes.length) return;
    this.#live.delete(connection);
    caller.end();
  }
}
