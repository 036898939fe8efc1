/**
 * A shard: the connections of one thread, their sessions, and the fan-out to them. It hands out what the registry routes, and
 * calls connections and sessions directly because they share its thread.
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
import type { Asking, AuthApi, Credential } from '../auth/auth-api.ts';
import type { Metrics } from '../kernel/metrics.ts';
import type { Peer } from '../kernel/thread.ts';
import { eventFrame } from '../link/event-frame.ts';
import type { Attached, Delivery, FromRegistry, ToShard, WentLive } from '../link/messages.ts';
import { ArchiveClient } from './archive-client.ts';
import { AUTH_TIMEOUT_MS, AuthClient } from './auth-client.ts';
import { Connection, type ConnectionContext } from './connection.ts';
import { Fanout } from './fanout.ts';
import { RegistryClient } from './registry-client.ts';
import { Entrance } from './resume-queue.ts';
import type { Session } from './session.ts';

const LOGIN_TIMEOUT_MS = 60_000;
const DRAIN_TIMEOUT_MS = 1_000;
/** Rarely, because it looks at each connection. */
export const HEARTBEAT_CHECK_MS = 5_000;
/** Sessions in one question to an auth thread that has restarted. */
const CONFIRM_BATCH = 1_000;

export interface ShardOptions {
  /** Which run of which shard this is; never used again while the server runs. */
  readonly incarnation: number;
  /** How many shards there are. */
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
  readonly #resumes = new Entrance();
  readonly #context: ConnectionContext;
  readonly #connections = new Set<Connection>();
  /** Who is not logged in, since when; the longest first. */
  readonly #anonymous = new Map<Session, number>();
  #nextConnection = 1;
  /** The last id that was routed to this shard; −1 for nothing yet. */
  #cursor = -1;
  /** Set while the server shuts down. */
  #retryAfterMs: number | undefined;
  #whenEmpty: (() => void) | undefined;
  #heartbeatsCheckedAt = performance.now();
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
        resumes: this.#resumes,
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

  /** Takes a connection whose client speaks that dialect. */
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

  /** Takes the port to a registry, the first one or one that has restarted. */
  connectRegistry(port: MessagePort): void {
    this.#registry.connect(port, this.#cursor, (item) => this.#handle(item));
  }

  connectAuth(port: MessagePort): void {
    const auth = this.#auth.connect(port, {
      passwordChanged: (credential, asking) => this.#passwordChanged(credential, asking),
      accountsChanged: () => void this.#confirm(auth),
    });
    for (const { session } of this.#connections) void this.#reclaim(session);
    void this.#confirm(auth);
  }

  connectArchive(port: MessagePort): void {
    this.#archive.connect(port);
  }

  metrics(): Metrics {
    return {
      ...this.#registry.metrics(),
      connections: this.#connections.size,
      resumesWaiting: this.#resumes.waiting,
    };
  }

  /** Closes connections that did not log in in time. `now` is of `performance.now`. */
  sweep(now: number): void {
    for (const [session, since] of this.#anonymous) {
      if (now - since < LOGIN_TIMEOUT_MS) return;
      this.#anonymous.delete(session);
      session.close('login_timeout');
    }
  }

  /** Closes connections whose client promised to be heard, and is not. To be called every `HEARTBEAT_CHECK_MS`. */
  checkHeartbeats(now: number): void {
    // This thread, or the whole process, did not run: what was sent to it meanwhile is still unread.
    if (now - this.#heartbeatsCheckedAt > 2 * HEARTBEAT_CHECK_MS) this.#awakeAt = now;
    this.#heartbeatsCheckedAt = now;
    for (const connection of this.#connections) connection.checkHeartbeat(now, this.#awakeAt);
  }

  /** Ends the connections that this shard has to these peers, which are gone. */
  abandon(peers: readonly Endpoints[]): void {
    const locals = new Map(peers.map(({ local, remote }) => [remote, local]));
    for (const connection of this.#connections) connection.abandonIfAmong(locals);
  }

  /**
   * Reads no more, waits a moment for the answers that are owed, and says goodbye to all clients. Resolves when their
   * connections are closed.
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
    this.#registry.forgetWaiting(connection.session);
    if (this.#connections.size === 0) this.#whenEmpty?.();
  }

  #passwordChanged(credential: Credential, asking: Asking): void {
    for (const { session } of this.#connections) {
      const isAsking = asking.shard === this.#incarnation && asking.connection === session.id;
      session.passwordChanged(credential, isAsking);
    }
  }

  /** Asks whom auth would still let in: a thread that has died may have changed a password before it could say so. */
  async #confirm(auth: Peer<AuthApi>): Promise<void> {
    const asked = Array.from(this.#connections, ({ session }) => session).filter((s) => s.credential);
    for (let next = 0; next < asked.length; next += CONFIRM_BATCH) {
      const part = asked.slice(next, next + CONFIRM_BATCH).flatMap((session) => {
        const { credential } = session;
        return credential === undefined ? [] : [{ session, credential }];
      });
      const credentials = part.map(({ credential }) => credential);
      const outcome = await auth.call((api) => api.confirm(credentials), AUTH_TIMEOUT_MS);
      // The thread that takes its place is asked again.
      if (outcome.type !== 'answered') return;
      for (const [i, { session, credential }] of part.entries()) {
        const standing = outcome.value[i] ?? 'ok';
        if (standing !== 'ok' && session.credential === credential) session.expire(standing);
      }
    }
  }

  /** An auth thread that has restarted knows nothing of guests. */
  async #reclaim(session: Session): Promise<void> {
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
        this.#registry.settle(item[1], { type: 'done' }, item[2]);
        break;
      case 'error':
        this.#registry.settle(item[1], { type: 'refused', code: item[2] });
        break;
      case 'attached':
        this.#attached(item);
        break;
      case 'live':
        this.#goLive(item);
        break;
      case 'behind':
        this.#registry.settle(item[1], { type: 'behind' });
        break;
      case 'delivered':
        this.#fanout.delivered(item[1], item[2]);
        break;
      case 'presence':
        this.#fanout.presence(item);
        break;
      case 'expelled':
        this.#expel(item);
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
    const asked = this.#registry.committed(delivery);
    const origin = asked?.session.client;
    // A registry that has restarted sends again what it cannot know was taken before.
    if (delivery.id > this.#cursor) {
      this.#cursor = delivery.id;
      if (delivery.kind === 'message') this.#fanout.message(delivery, origin);
      else if (delivery.kind === 'direct') this.#fanout.direct(delivery, origin);
      else this.#fanout.change(delivery, origin);
    }
    if (asked !== undefined) this.#registry.stored(asked, delivery);
  }

  #attached([, number, account, user, rooms, routed, start]: Attached): void {
    const session = this.#registry.attached(number);
    if (session === undefined) return;
    this.#cursor = Math.max(this.#cursor, routed);
    this.#anonymous.delete(session);
    session.attached(account, user, rooms);
    this.#registry.settle(number, { type: 'attached', start });
  }

  /** Gives the session the last that it lacks, and enters it into all that is routed, in the very turn: no gap. */
  #goLive([, number, rooms, entries, lastId]: WentLive): void {
    const session = this.#registry.askedBy(number);
    if (session === undefined) return;
    // All that concerns this shard up to here came before this item.
    this.#cursor = Math.max(this.#cursor, lastId);
    if (this.#registry.sessions.has(session) && !session.isClosing) {
      const { client, account } = session;
      // First, so that a client that overflows on the way is taken out of it again.
      this.#fanout.attach(client, rooms);
      for (const entry of entries) client.push(eventFrame(entry, account));
      client.push(encodeFrame(['live', lastId] satisfies Event));
    }
    this.#registry.settle(number, { type: 'live' });
  }

  #expel([, account, code]: Extract<ToShard, readonly ['expelled', ...unknown[]]>): void {
    for (const session of this.#registry.sessions) if (session.account === account) session.close(code);
  }
}
