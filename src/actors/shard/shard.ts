/**
 * A shard: the connections of one thread, their sessions, and the fan-out to them. It handles the items that the registry
 * sends, and calls connections and sessions directly because they share its thread.
 */

import { setTimeout as pause } from 'node:timers/promises';
import type { MessagePort } from 'node:worker_threads';
import type { Logger } from 'pino';
import type { Dialect } from '../../dialects/dialect.ts';
import { encodeFrame } from '../../protocol/codec.ts';
import type { Event } from '../../protocol/vocabulary.ts';
import { WriteTurn } from '../../transport/outbox.ts';
import type { Endpoints } from '../../transport/socket-table.ts';
import type { Wire, WireHandler } from '../../transport/tcp.ts';
import type { Asking, Credential } from '../auth/auth-api.ts';
import type { Metrics } from '../kernel/metrics.ts';
import { eventFrame } from '../link/event-frame.ts';
import type { Attached, Delivery, FromRegistry, ToShard, WentLive } from '../link/messages.ts';
import { ArchiveClient } from './archive-client.ts';
import { AuthClient, confirmSessions } from './auth-client.ts';
import { Connection, type ConnectionContext } from './connection.ts';
import { Fanout, type Recipient } from './fanout.ts';
import { RegistryClient } from './registry-client.ts';
import { ResumeQueue } from './resume-queue.ts';
import type { Session } from './session.ts';

const LOGIN_TIMEOUT_MS = 60_000;
const DRAIN_TIMEOUT_MS = 1_000;
/** Rare, because each check visits every connection. */
export const HEARTBEAT_CHECK_MS = 5_000;

export interface ShardOptions {
  /** Identifies one run of one shard. Never reused while the server runs. */
  readonly incarnation: number;
  /** Number of shards in the server. */
  readonly shards: number;
  readonly server: string;
  readonly outboxLimit: number;
  readonly commandsPerSecond: number;
}

export class Shard {
  readonly #incarnation: number;
  readonly #log: Logger;
  readonly #fanout = new Fanout();
  readonly #registry: RegistryClient;
  readonly #auth = new AuthClient();
  readonly #archive = new ArchiveClient();
  readonly #resumeQueue = new ResumeQueue();
  readonly #context: ConnectionContext;
  readonly #connections = new Set<Connection>();
  /** Sessions that are not logged in, each with the time since when; oldest first. */
  readonly #anonymous = new Map<Session, number>();
  #nextConnection = 1;
  /** The last id that was routed to this shard; −1 for none. */
  #cursor = -1;
  /** Set while the server shuts down. */
  #retryAfterMs: number | undefined;
  #whenEmpty: (() => void) | undefined;
  #heartbeatsCheckedAt = performance.now();
  /** When this thread last continued after a time in which it did not run. */
  #awakeAt = performance.now();

  constructor(options: ShardOptions, log: Logger) {
    const { incarnation, outboxLimit, commandsPerSecond, server } = options;
    this.#incarnation = incarnation;
    this.#log = log;
    this.#registry = new RegistryClient(incarnation, this.#fanout);
    this.#context = {
      sessions: {
        registry: this.#registry,
        auth: this.#auth,
        archive: this.#archive,
        resumeQueue: this.#resumeQueue,
        server,
        replayBytes: outboxLimit / 2,
        log,
      },
      turn: new WriteTurn(options.shards),
      outboxLimit,
      commandsPerSecond,
      log,
      loggedOut: ({ session }) => this.#anonymous.set(session, performance.now()),
      closed: (connection) => this.#closed(connection),
    };
  }

  /** Adds a connection. `dialect`: the protocol that its client speaks. */
  accept(wire: Wire, dialect: Dialect): WireHandler {
    const id = this.#nextConnection;
    this.#nextConnection += 1;
    const fields = { event: 'connection.accepted', connection: id, address: wire.address };
    this.#log.debug(fields, 'connection accepted');
    const connection = new Connection(this.#context, dialect, wire, id);
    this.#connections.add(connection);
    if (this.#retryAfterMs !== undefined) connection.session.close('shutdown', this.#retryAfterMs);
    else this.#anonymous.set(connection.session, performance.now());
    return connection;
  }

  /** Connects to a registry: the first one, or one that has restarted. */
  connectRegistry(port: MessagePort): void {
    this.#registry.connect(port, this.#cursor, (item) => this.#handle(item));
  }

  connectAuth(port: MessagePort): void {
    const confirm = (): void =>
      void confirmSessions(
        auth,
        Array.from(this.#connections, ({ session }) => session),
      );
    const auth = this.#auth.connect(port, {
      passwordChanged: (credential, asking) => this.#passwordChanged(credential, asking),
      accountsChanged: confirm,
    });
    for (const { session } of this.#connections) void this.#reclaimName(session);
    confirm();
  }

  connectArchive(port: MessagePort): void {
    this.#archive.connect(port);
  }

  metrics(): Metrics {
    return {
      ...this.#registry.metrics(),
      connections: this.#connections.size,
      resumesWaiting: this.#resumeQueue.length,
    };
  }

  /** Closes connections that did not log in in time. `now`: in the clock of `performance.now`. */
  checkLogins(now: number): void {
    for (const [session, since] of this.#anonymous) {
      if (now - since < LOGIN_TIMEOUT_MS) return;
      this.#anonymous.delete(session);
      session.close('login_timeout');
    }
  }

  /** Closes connections whose client broke its heartbeat promise. Must be called every `HEARTBEAT_CHECK_MS`. */
  checkHeartbeats(now: number): void {
    // This thread, or the whole process, did not run, so bytes that clients sent meanwhile are still unread.
    if (now - this.#heartbeatsCheckedAt > 2 * HEARTBEAT_CHECK_MS) this.#awakeAt = now;
    this.#heartbeatsCheckedAt = now;
    for (const connection of this.#connections) connection.checkHeartbeat(now, this.#awakeAt);
  }

  /** Drops connections whose clients are gone. Endpoints that belong to other shards are ignored. */
  abandon(peers: readonly Endpoints[]): void {
    const locals = new Map(peers.map(({ local, remote }) => [remote, local]));
    for (const connection of this.#connections) connection.abandonIfAmong(locals);
  }

  /**
   * Stops reading, waits a moment for outstanding answers, and sends every client a farewell. Resolves when all connections
   * are closed.
   */
  async drain(retryAfterMs: number): Promise<void> {
    this.#retryAfterMs = retryAfterMs;
    await Promise.race([this.#registry.drain(), pause(DRAIN_TIMEOUT_MS)]);
    for (const { session } of this.#connections) session.close('shutdown', retryAfterMs);
    if (this.#connections.size === 0) return;
    await new Promise<void>((resolve) => {
      this.#whenEmpty = resolve;
    });
  }

  #closed(connection: Connection): void {
    this.#connections.delete(connection);
    this.#anonymous.delete(connection.session);
    this.#registry.removePaused(connection.session);
    if (this.#connections.size === 0) this.#whenEmpty?.();
  }

  #passwordChanged(credential: Credential, asking: Asking): void {
    for (const { session } of this.#connections) {
      const isAsking = asking.shard === this.#incarnation && asking.connection === session.id;
      session.passwordChanged(credential, isAsking);
    }
  }

  /** Reserves a guest's name again, because an auth thread that restarts has lost these reservations. */
  async #reclaimName(session: Session): Promise<void> {
    if (session.guestName === undefined) return;
    const answer = await this.#auth.authenticate({ type: 'claim', user: session.guestName });
    if (answer.type === 'refused' && answer.code === 'name_taken') session.close('failed');
  }

  #handle(item: FromRegistry): void {
    if ('kind' in item) {
      this.#deliver(item);
      return;
    }
    switch (item[0]) {
      case 'ok':
        this.#registry.answer(item[1], { type: 'done' }, item[2]);
        break;
      case 'error':
        this.#registry.answer(item[1], { type: 'refused', code: item[2] });
        break;
      case 'attached':
        this.#attached(item);
        break;
      case 'live':
        this.#goLive(item);
        break;
      case 'behind':
        this.#registry.answer(item[1], { type: 'behind' });
        break;
      case 'delivered':
        this.#fanout.delivered(item[1], item[2]);
        break;
      case 'presence':
        this.#fanout.presence(item);
        break;
      case 'expelled':
        this.#endSessions(item);
        break;
      case 'cursor':
        this.#cursor = item[1];
        break;
      case 'caught_up':
        this.#registry.caughtUp();
        break;
      default:
        item satisfies never;
    }
  }

  #deliver(delivery: Delivery): void {
    const command = this.#registry.committed(delivery);
    const origin = command?.session.client;
    // A registry that has restarted may repeat entries that this shard has already delivered.
    if (delivery.id > this.#cursor) {
      this.#cursor = delivery.id;
      this.#fanOut(delivery, origin);
    }
    if (command !== undefined) this.#registry.stored(command, delivery);
  }

  #fanOut(delivery: Delivery, origin: Recipient | undefined): void {
    const { kind } = delivery;
    switch (kind) {
      case 'message':
        this.#fanout.message(delivery, origin);
        break;
      case 'direct':
        this.#fanout.direct(delivery, origin);
        break;
      case 'joined':
      case 'left':
        this.#fanout.membership(delivery, origin);
        break;
      default:
        kind satisfies never;
    }
  }

  #attached([, number, account, user, rooms, routed, start]: Attached): void {
    const session = this.#registry.attached(number);
    if (session === undefined) return;
    this.#cursor = Math.max(this.#cursor, routed);
    this.#anonymous.delete(session);
    session.attached(account, user, rooms);
    this.#registry.answer(number, { type: 'attached', start });
  }

  /** Sends the last piece of a replay and adds the session to the fan-out in the same turn, so that there is no gap. */
  #goLive([, number, rooms, entries, lastId]: WentLive): void {
    const session = this.#registry.sessionOf(number);
    if (session === undefined) return;
    // The registry sent this shard every entry up to `lastId` before this item.
    this.#cursor = Math.max(this.#cursor, lastId);
    if (this.#registry.sessions.has(session) && !session.isClosing) {
      const { client, account } = session;
      // First, because a client whose outbox overflows below must be removed again.
      this.#fanout.attach(client, rooms);
      for (const entry of entries) client.push(eventFrame(entry, account));
      client.push(encodeFrame(['live', lastId] satisfies Event));
    }
    this.#registry.answer(number, { type: 'live' });
  }

  #endSessions([, account, code]: Extract<ToShard, readonly ['expelled', ...unknown[]]>): void {
    for (const session of this.#registry.sessions) if (session.account === account) session.close(code);
  }
}
