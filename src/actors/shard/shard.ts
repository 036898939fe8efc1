/**
 * A shard: a thread's own listener and its connection actors. It forwards what they ask to the registry,
 * numbered and in batches, keeps what is unanswered for a registry that restarts, and hands out what the
 * registry routes.
 */

import type { MessagePort } from 'node:worker_threads';
import type { Logger } from 'pino';
import { encodeFrame } from '../../protocol/codec.ts';
import { isEntryVerb } from '../../protocol/verbs.ts';
import { type Event, refusal } from '../../protocol/vocabulary.ts';
import { WriteTurn } from '../../transport/outbox.ts';
import type { Endpoints } from '../../transport/socket-table.ts';
import type { Wire, WireHandler } from '../../transport/tcp.ts';
import type { ArchiveApi } from '../archive/archive-api.ts';
import type { AuthAnswer } from '../auth/auth.ts';
import type { Asking, AuthApi, AuthCall, Credential, SessionsApi } from '../auth/auth-api.ts';
import { type ActorRef, spawn } from '../kernel/actor.ts';
import { BatchPort, takeBatches } from '../kernel/batch.ts';
import type { Metrics } from '../kernel/metrics.ts';
import { callPort, type Peer, servePort } from '../kernel/thread.ts';
import { readToShard, writeToRegistry } from '../link/codec.ts';
import { eventFrame } from '../link/event-frame.ts';
import type {
  AnnouncedSession,
  Attached,
  Command,
  Delivery,
  FromRegistry,
  ToRegistry,
  ToShard,
  WentLive,
} from '../link/messages.ts';
import { type Connection, ConnectionBehavior, type ConnectionMsg } from './connection.ts';
import { Fanout } from './fanout.ts';
import { Entrance } from './resume-queue.ts';
import type { Services, Settled } from './services.ts';

/** Unanswered commands of the whole shard. Policy: at the limit its sockets are not read, until half is left. */
const UNANSWERED_LIMIT = 10_000;
/** Chunks that one connection may have waiting; the socket is paused long before. */
const MAILBOX = 1_000;
/** A password check waits behind at most a full queue of the hash pool. */
const AUTH_TIMEOUT_MS = 30_000;
const LOGIN_TIMEOUT_MS = 60_000;
const DRAIN_TIMEOUT_MS = 1_000;
/** Rarely, because it looks at each connection. */
export const HEARTBEAT_CHECK_MS = 5_000;
/** Sessions in one question to an auth thread that has restarted. */
const CONFIRMED_A_TIME = 1_000;

export interface ShardOptions {
  /** Which run of which shard this is; never used again while the server runs. */
  readonly incarnation: number;
  /** How many shards there are. */
  readonly shards: number;
  readonly server: string;
  readonly outboxLimit: number;
  readonly commandsPerSecond: number;
}

/** A command without an answer. Kept until there is one: it is asked again of a registry that has restarted. */
interface Unanswered {
  readonly command: Command;
  readonly connection: Connection;
  readonly requestId: number;
  /** For commands that the connection itself waits for. */
  readonly settle: ((settled: Settled) => void) | undefined;
}

export class Shard implements Services {
  readonly server: string;
  readonly outboxLimit: number;
  readonly commandsPerSecond: number;
  readonly turn: WriteTurn;
  readonly entrance = new Entrance();
  readonly incarnation: number;
  readonly log: Logger;
  readonly #fanout = new Fanout();
  readonly #connections = new Map<Connection, ActorRef<ConnectionMsg>>();
  readonly #sessions = new Set<Connection>();
  /** Who is not logged in, since when; the longest first. */
  readonly #anonymous = new Map<Connection, number>();
  readonly #unanswered = new Map<number, Unanswered>();
  readonly #waiting = new Set<Connection>();
  /** While a new registry sends what this shard missed: the last command of each connection that was committed. */
  readonly #committed = new Map<Connection, number>();
  #nextConnection = 1;
  #nextNumber = 1;
  #registry: BatchPort<ToRegistry> | undefined;
  /** False until a new registry has sent what this shard missed: commands are kept back until then. */
  #isCaughtUp = false;
  #auth: Peer<AuthApi> | undefined;
  #archive: Peer<ArchiveApi> | undefined;
  /** The last id that was routed to this shard; −1 for nothing yet. */
  #cursor = -1;
  /** Entries taken from this registry. */
  #handled = 0;
  /** Entries taken since the start. */
  #entries = 0;
  /** Set while the server shuts down; called when nothing is unanswered any more. */
  #drained: (() => void) | undefined;
  #retryAfterMs = 0;
  #heartbeatsCheckedAt = performance.now();
  #awakeAt = performance.now();

  constructor(options: ShardOptions, log: Logger) {
    this.server = options.server;
    this.outboxLimit = options.outboxLimit;
    this.commandsPerSecond = options.commandsPerSecond;
    this.turn = new WriteTurn(options.shards);
    this.incarnation = options.incarnation;
    this.log = log;
  }

  get isCongested(): boolean {
    return this.#unanswered.size >= UNANSWERED_LIMIT || this.#drained !== undefined;
  }

  accept(wire: Wire): WireHandler {
    const id = this.#nextConnection;
    this.#nextConnection += 1;
    const fields = { event: 'connection.accepted', connection: id, address: wire.address };
    this.log.debug(fields, 'connection accepted');
    const ref = spawn(`connection ${id}`, new ConnectionBehavior(this, wire, id), MAILBOX);
    return new Inbound(id, wire, ref, this.log);
  }

  opened(connection: Connection, ref: ActorRef<ConnectionMsg>): void {
    this.#connections.set(connection, ref);
    if (this.#drained !== undefined) connection.close('shutdown', this.#retryAfterMs);
    else this.#anonymous.set(connection, performance.now());
  }

  /** Takes the port to a registry, the first one or one that has restarted. */
  connectRegistry(port: MessagePort): void {
    this.#registry?.close();
    const registry = new BatchPort<ToRegistry>(port, writeToRegistry);
    this.#registry = registry;
    this.#isCaughtUp = false;
    this.#handled = 0;
    takeBatches(port, readToShard, (batch) => {
      if (this.#registry === registry) this.#take(batch);
    });
    const sessions = [...this.#sessions].map(
      (s): AnnouncedSession => [s.id, s.account, s.user, this.#fanout.has(s)],
    );
    registry.push(['announce', this.incarnation, this.#cursor, sessions]);
  }

  connectAuth(port: MessagePort): void {
    const auth = callPort<AuthApi>(port);
    this.#auth = auth;
    servePort<SessionsApi>(port, {
      passwordChanged: (credential, asking) => this.#passwordChanged(credential, asking),
      accountsChanged: () => void this.#confirm(auth),
    });
    for (const connection of this.#connections.keys()) void this.#reclaim(connection);
    void this.#confirm(auth);
  }

  #passwordChanged(credential: Credential, asking: Asking): void {
    for (const connection of this.#connections.keys()) {
      const isAsking = asking.shard === this.incarnation && asking.connection === connection.id;
      connection.passwordChanged(credential, isAsking);
    }
  }

  /** An auth thread that has died may have changed a password before it could say so. */
  async #confirm(auth: Peer<AuthApi>): Promise<void> {
    const asked = [...this.#connections.keys()].filter(({ credential }) => credential !== undefined);
    for (let next = 0; next < asked.length; next += CONFIRMED_A_TIME) {
      const part = asked.slice(next, next + CONFIRMED_A_TIME).flatMap((connection) => {
        const { credential } = connection;
        return credential === undefined ? [] : [{ connection, credential }];
      });
      const credentials = part.map(({ credential }) => credential);
      const outcome = await auth.call((api) => api.confirm(credentials), AUTH_TIMEOUT_MS);
      // Whoever takes its place is asked again.
      if (outcome.type !== 'answered') return;
      for (const [i, { connection, credential }] of part.entries()) {
        const standing = outcome.value[i] ?? 'ok';
        if (standing !== 'ok' && connection.credential === credential) connection.expire(standing);
      }
    }
  }

  connectArchive(port: MessagePort): void {
    this.#archive = callPort<ArchiveApi>(port);
  }

  get archive(): Pick<Peer<ArchiveApi>, 'call'> {
    return this.#archive ?? NOBODY;
  }

  /** An auth thread that has restarted knows nothing of guests. */
  async #reclaim(connection: Connection): Promise<void> {
    if (connection.guestName === undefined) return;
    const answer = await this.authenticate({ type: 'claim', user: connection.guestName });
    if (answer.type === 'refused' && answer.code === 'name_taken') connection.close('failed');
  }

  /** Closes connections that did not log in in time. `now` is of `performance.now`. */
  sweep(now: number): void {
    for (const [waiting, since] of this.#anonymous) {
      if (now - since < LOGIN_TIMEOUT_MS) return;
      this.#anonymous.delete(waiting);
      waiting.close('login_timeout');
    }
  }

  /** Closes connections whose client promised to be heard, and is not. To be called every `HEARTBEAT_CHECK_MS`. */
  checkHeartbeats(now: number): void {
    // This thread, or the whole process, did not run: what was sent to it meanwhile is still unread.
    if (now - this.#heartbeatsCheckedAt > 2 * HEARTBEAT_CHECK_MS) this.#awakeAt = now;
    this.#heartbeatsCheckedAt = now;
    for (const connection of this.#connections.keys()) connection.checkHeartbeat(now, this.#awakeAt);
  }

  /** Ends the connections that this shard has to these peers, which are gone. */
  abandon(peers: readonly Endpoints[]): void {
    const locals = new Map(peers.map(({ local, remote }) => [remote, local]));
    for (const connection of this.#connections.keys()) connection.abandonIfAmong(locals);
  }

  /**
   * Reads no more, waits a moment for the answers that are owed, and says goodbye to all connections. Resolves
   * when they are closed.
   */
  async drain(retryAfterMs: number): Promise<void> {
    this.#retryAfterMs = retryAfterMs;
    await new Promise<void>((resolve) => {
      this.#drained = resolve;
      setTimeout(resolve, DRAIN_TIMEOUT_MS);
      if (this.#unanswered.size === 0) resolve();
    });
    const exits = Array.from(this.#connections, ([connection, ref]) => {
      connection.close('shutdown', retryAfterMs);
      return ref.exited;
    });
    await Promise.all(exits);
  }

  metrics(): Metrics {
    return {
      connections: this.#connections.size,
      sessions: this.#sessions.size,
      unanswered: this.#unanswered.size,
      heldBack: this.#waiting.size,
      resumesWaiting: this.entrance.waiting,
      commands: this.#nextNumber - 1,
      entries: this.#entries,
    };
  }

  number(): number {
    const number = this.#nextNumber;
    this.#nextNumber += 1;
    return number;
  }

  forward(connection: Connection, requestId: number, command: Command): void {
    this.#post({ command, connection, requestId, settle: undefined });
  }

  ask(connection: Connection, requestId: number, command: Command): Promise<Settled> {
    return new Promise((settle) => this.#post({ command, connection, requestId, settle }));
  }

  async authenticate(call: AuthCall): Promise<AuthAnswer> {
    const auth = this.#auth;
    const outcome = await auth?.call((api) => api.authenticate(call), AUTH_TIMEOUT_MS);
    // Whom a thread has let in that has been replaced since, its successor was not asked about.
    const isStale = auth !== this.#auth && (call.type === 'login' || call.type === 'resume');
    if (outcome?.type === 'answered' && !isStale) return outcome.value;
    return { type: 'refused', code: outcome?.type === 'timed_out' ? 'timed_out' : 'unavailable' };
  }

  loggedOut(connection: Connection): void {
    this.#anonymous.set(connection, performance.now());
  }

  async leave(connection: Connection): Promise<void> {
    this.#fanout.detach(connection);
    await this.ask(connection, 0, ['detach', this.number(), connection.id]);
    // Not before: a registry that restarts meanwhile still has to take what the session sent before it left.
    this.#sessions.delete(connection);
  }

  waitForRoom(connection: Connection): void {
    this.#waiting.add(connection);
  }

  closed(connection: Connection): void {
    this.#connections.delete(connection);
    this.#anonymous.delete(connection);
    this.#waiting.delete(connection);
  }

  #post(unanswered: Unanswered): void {
    this.#unanswered.set(unanswered.command[1], unanswered);
    if (this.#isCaughtUp) this.#registry?.push(unanswered.command);
  }

  #take(batch: readonly FromRegistry[]): void {
    let entries = 0;
    for (const item of batch) if (this.#handle(item)) entries += 1;
    if (entries > 0) {
      this.#handled += entries;
      this.#entries += entries;
      this.#registry?.push(['handled', this.#handled]);
    }
    if (this.#waiting.size === 0 || this.#unanswered.size > UNANSWERED_LIMIT / 2) return;
    for (const connection of this.#waiting) connection.goOn();
    this.#waiting.clear();
  }

  /** True for entries, which the registry gives on credit. */
  #handle(item: FromRegistry): boolean {
    if ('kind' in item) {
      this.#deliver(item);
      return true;
    }
    switch (item[0]) {
      case 'ok':
        this.#settle(item[1], { type: 'done' }, item[2]);
        return false;
      case 'error':
        this.#settle(item[1], { type: 'refused', code: item[2] }, null);
        return false;
      case 'attached':
        this.#attached(item);
        return false;
      case 'live':
        this.#goLive(item);
        return false;
      case 'behind':
        this.#settle(item[1], { type: 'behind' }, null);
        return false;
      case 'delivered':
        this.#fanout.delivered(item[1], item[2]);
        return false;
      case 'presence':
        this.#fanout.presence(item);
        return false;
      case 'expelled':
        this.#expel(item);
        return false;
      case 'cursor':
        this.#cursor = item[1];
        return false;
      case 'caught_up':
        this.#isCaughtUp = true;
        this.#askAgain();
        return false;
      default:
        return item satisfies never;
    }
  }

  /**
   * What has no answer is asked of the new registry. But not what comes before something on its connection that has been
   * committed: the old registry had refused that, and now that more has happened it might be taken, too late.
   */
  #askAgain(): void {
    for (const { command, connection } of [...this.#unanswered.values()]) {
      const isOutrun = command[1] < (this.#committed.get(connection) ?? 0) && isEntryVerb(command[0]);
      if (isOutrun) this.#settle(command[1], { type: 'refused', code: 'unavailable' }, null);
      else this.#registry?.push(command);
    }
    this.#committed.clear();
  }

  #deliver(delivery: Delivery): void {
    const { kind, id, at, number } = delivery;
    const asked = this.#unanswered.get(number);
    const origin = asked?.connection;
    if (!this.#isCaughtUp && origin !== undefined) this.#committed.set(origin, number);
    // A registry that has restarted sends again what it cannot know was taken before.
    if (id > this.#cursor) {
      this.#cursor = id;
      if (kind === 'message') this.#fanout.message(delivery, origin);
      else if (kind === 'direct') this.#fanout.direct(delivery, origin);
      else this.#fanout.change(delivery, origin);
    }
    // The answer to a join or leave comes apart, because it tells more than the id.
    if (asked === undefined || (kind !== 'message' && kind !== 'direct')) return;
    this.#forget(number);
    asked.connection.stored(asked.requestId, id, at);
  }

  #forget(number: number): void {
    this.#unanswered.delete(number);
    if (this.#unanswered.size === 0) this.#drained?.();
  }

  #settle(number: number, settled: Settled, result: unknown): void {
    const unanswered = this.#unanswered.get(number);
    if (unanswered === undefined) return;
    this.#forget(number);
    const { connection, requestId, settle } = unanswered;
    if (settle !== undefined) settle(settled);
    else if (settled.type === 'refused') connection.answer(refusal(requestId, settled.code));
    else connection.answer(result === null ? ['ok', requestId] : ['ok', requestId, result]);
  }

  #attached([, number, account, user, rooms, routed, start]: Attached): void {
    const unanswered = this.#unanswered.get(number);
    if (unanswered === undefined) return;
    const { connection } = unanswered;
    this.#cursor = Math.max(this.#cursor, routed);
    this.#sessions.add(connection);
    connection.attached(account, user, rooms);
    this.#anonymous.delete(connection);
    this.#settle(number, { type: 'attached', start }, null);
    // The peer went while it was being logged in.
    if (connection.isClosing) connection.lost();
    else connection.endExpired();
  }

  /** Gives the session the last that it lacks, and enters it into all that is routed, in the very turn: no gap. */
  #goLive([, number, rooms, entries, lastId]: WentLive): void {
    const connection = this.#unanswered.get(number)?.connection;
    if (connection === undefined) return;
    // All that concerns this shard up to here came before this item.
    this.#cursor = Math.max(this.#cursor, lastId);
    if (this.#sessions.has(connection) && !connection.isClosing) {
      // First, so that a connection that overflows on the way is taken out of it again.
      this.#fanout.attach(connection, rooms);
      for (const entry of entries) connection.push(eventFrame(entry, connection.account));
      connection.push(encodeFrame(['live', lastId] satisfies Event));
    }
    this.#settle(number, { type: 'live' }, null);
  }

  #expel([, account, code]: Extract<ToShard, readonly ['expelled', ...unknown[]]>): void {
    for (const session of this.#sessions) if (session.account === account) session.close(code);
  }
}

/** Hands on to a connection's actor what happens to its socket. A class, because there are many, and closures take more room. */
class Inbound implements WireHandler {
  readonly #connection: number;
  readonly #wire: Wire;
  readonly #ref: ActorRef<ConnectionMsg>;
  readonly #log: Logger;
  #hasSpoken = false;

  constructor(connection: number, wire: Wire, ref: ActorRef<ConnectionMsg>, log: Logger) {
    this.#connection = connection;
    this.#wire = wire;
    this.#ref = ref;
    this.#log = log;
  }

  data(bytes: Buffer): void {
    if (!this.#hasSpoken) this.#logOpened();
    if (!this.#ref.tell({ type: 'bytes', bytes })) this.#wire.destroy();
  }

  ended(): void {
    if (!this.#ref.tell({ type: 'ended' })) this.#wire.destroy();
  }

  closed(error: Error | undefined): void {
    // Scans and health checks, which never send a byte, would fill the log.
    const fields = { event: 'connection.closed', connection: this.#connection, error: error?.message };
    this.#log[this.#hasSpoken ? 'info' : 'debug'](fields, 'connection closed');
    this.#ref.stop();
  }

  #logOpened(): void {
    this.#hasSpoken = true;
    const fields = { event: 'connection.opened', connection: this.#connection, address: this.#wire.address };
    this.#log.info(fields, 'connection opened');
  }
}

const NOBODY: Pick<Peer<ArchiveApi>, 'call'> = { call: () => Promise.resolve({ type: 'gone' }) };
