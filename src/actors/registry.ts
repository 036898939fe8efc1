/**
 * The registry actor: the only owner of the user dictionary, the rooms and their members. It gathers what all
 * shards ask in one turn of the event loop, appends it to the log as one batch, folds what the log has
 * committed, and routes it.
 */

import type { Logger } from 'pino';
import type { Account } from '../chat/directory.ts';
import { PRESENCE_ROOM_LIMIT, Presence } from '../chat/presence.ts';
import { Sessions } from '../chat/sessions.ts';
import { type Clock, SETTLE_MS, SteadyClock, SYSTEM_CLOCK } from '../common/clock.ts';
import type { MessageLog } from '../store/message-log.ts';
import type { Behavior } from './actor.ts';
import { Arrivals } from './arrivals.ts';
import { testNumber } from './crash.ts';
import { Ledger } from './ledger.ts';
import { type Command, isEntry, type ToRegistry } from './link.ts';
import type { Parts } from './parts.ts';
import { Requests } from './requests.ts';
import { Roster } from './roster.ts';
import { type Outgoing, Router, ShardLink } from './router.ts';

/** How long a key of a message is remembered, in milliseconds. */
const KEY_LIFETIME_MS = 24 * 60 * 60 * 1_000;

export type RegistryMsg =
  | { readonly type: 'shard_connected'; readonly shard: number; readonly out: Outgoing }
  | { readonly type: 'shard_gone'; readonly shard: number; readonly out: Outgoing }
  | {
      readonly type: 'batch';
      readonly shard: number;
      readonly out: Outgoing;
      readonly items: readonly ToRegistry[];
    }
  /** The accounts that can log in. Nothing that shards ask is handled before they have been taken in. */
  | { readonly type: 'accounts'; readonly names: readonly string[] }
  | { readonly type: 'reconcile' }
  | { readonly type: 'turn' }
  | { readonly type: 'forget' }
  | { readonly type: 'tick' };

/** Entries removed at a time, and the pause for messages between two times, in milliseconds. */
const RECONCILED_A_TIME = 20_000;
const FORGOTTEN_A_TIME = 500;
const FORGET_PAUSE_MS = 20;

/** `keepMs`: how old entries may become, in milliseconds; Infinity to keep them for ever. */
export function registry(
  log: MessageLog,
  keepMs: number,
  logger: Logger,
  clock: Clock = SYSTEM_CLOCK,
): Behavior<Registry, RegistryMsg> {
  return {
    init: () => new Registry(log, keepMs, logger, clock),
    receive(state, msg, self) {
      state.receive(msg);
      // The turn comes behind the messages of all shards that are waiting now, and takes them as one batch.
      if (state.wantsTurn()) setImmediate(() => self.tell({ type: 'turn' }));
      if (state.wantsToReconcile()) setImmediate(() => self.tell({ type: 'reconcile' }));
      if (state.wantsToForget()) {
        setTimeout(() => self.tell({ type: 'forget' }), FORGET_PAUSE_MS);
      }
      return state;
    },
    stopped(state, reason) {
      if (reason.type !== 'failed') state.finish();
      log.close();
    },
  };
}

interface Asked {
  readonly link: ShardLink;
  readonly items: readonly ToRegistry[];
}

interface Turn {
  /** What has to wait for the next turn, in order. */
  readonly waiting: Array<{ readonly link: ShardLink; readonly item: Command }>;
  /** The connections that it came on. */
  readonly blocked: Map<ShardLink, Set<number>>;
}

class Registry {
  readonly #log: MessageLog;
  readonly #keepMs: number;
  readonly #logger: Logger;
  readonly #clock: Clock;
  readonly #steady: SteadyClock;
  readonly #presence = new Presence();
  readonly #sessions: Sessions;
  readonly #router: Router;
  readonly #ledger: Ledger;
  readonly #roster: Roster;
  readonly #arrivals: Arrivals;
  readonly #requests: Requests;
  /** What the next turn has to do. Bounded: each shard has a limit of unanswered commands. */
  #queue: Asked[] = [];
  #isTurnDue = false;
  /** The accounts that can log in, while they are taken in; undefined when they have been. */
  #reconciling: { readonly names: readonly string[]; next: number } | undefined = { names: [], next: 0 };
  #isReconcilingDue = false;
  #isForgettingDue = false;

  constructor(log: MessageLog, keepMs: number, logger: Logger, clock: Clock) {
    const directory = log.load();
    this.#log = log;
    this.#keepMs = keepMs;
    this.#logger = logger;
    this.#clock = clock;
    this.#steady = new SteadyClock(clock, testNumber('PARLEY_TEST_SETTLE_MS') ?? SETTLE_MS);
    this.#sessions = new Sessions(directory);
    this.#router = new Router(log, this.#sessions, (change) => this.#requests.resultOf(change));
    this.#ledger = new Ledger(log, directory, this.#sessions, this.#router, logger);
    this.#roster = new Roster(directory, this.#ledger, logger, clock.monotonic());
    const parts: Parts = {
      clock,
      log,
      directory,
      sessions: this.#sessions,
      presence: this.#presence,
      router: this.#router,
      ledger: this.#ledger,
      roster: this.#roster,
    };
    this.#arrivals = new Arrivals(parts);
    this.#requests = new Requests(parts, this.#arrivals);
  }

  receive(msg: RegistryMsg): void {
    switch (msg.type) {
      case 'shard_connected':
        // The death of the shard's former thread may not have been heard of yet.
        this.#disconnect(msg.shard);
        this.#router.links.set(msg.shard, new ShardLink(msg.shard, msg.out));
        break;
      case 'shard_gone':
        if (this.#router.links.get(msg.shard)?.out === msg.out) this.#disconnect(msg.shard);
        break;
      case 'batch':
        this.#enqueue(msg.shard, msg.out, msg.items);
        break;
      case 'accounts':
        this.#reconciling = { names: msg.names, next: 0 };
        this.#isReconcilingDue = true;
        break;
      case 'reconcile':
        this.#reconcile();
        break;
      case 'turn':
        this.#takeTurn();
        break;
      case 'forget':
        this.#forget();
        break;
      case 'tick':
        this.#tick();
        break;
      default:
        msg satisfies never;
    }
  }

  /** True once, when there is something to do and no turn has been asked for yet. */
  wantsTurn(): boolean {
    if (this.#isTurnDue || this.#queue.length === 0 || this.#reconciling !== undefined) return false;
    this.#isTurnDue = true;
    return true;
  }

  /** True once for each part of the accounts that is still to be taken in. */
  wantsToReconcile(): boolean {
    const isDue = this.#isReconcilingDue;
    this.#isReconcilingDue = false;
    return isDue;
  }

  /** True once, when there is more to remove than was removed last. */
  wantsToForget(): boolean {
    const isDue = this.#isForgettingDue;
    this.#isForgettingDue = false;
    return isDue;
  }

  /** The end of an orderly stop: what accounts have seen is written down. */
  finish(): void {
    this.#ledger.finish();
  }

  #enqueue(shard: number, out: Outgoing, items: readonly ToRegistry[]): void {
    const link = this.#router.links.get(shard);
    if (link?.out === out) this.#queue.push({ link, items });
  }

  /** What was held back comes before all that has been asked since. */
  #release(link: ShardLink): void {
    if (link.held.length > 0) this.#queue.unshift({ link, items: link.held.splice(0) });
  }

  /**
   * A part at a time: a million accounts at once would take longer than a thread may give no sign of life. Shards wait:
   * who registers in between must not be taken for somebody who cannot log in.
   */
  #reconcile(): void {
    const reconciling = this.#reconciling;
    if (reconciling === undefined) return;
    const { names, next } = reconciling;
    this.#roster.reconcile(names.slice(next, next + RECONCILED_A_TIME));
    reconciling.next = next + RECONCILED_A_TIME;
    this.#isReconcilingDue = reconciling.next < names.length;
    if (this.#isReconcilingDue) return;
    this.#roster.hideAllBut(names);
    this.#reconciling = undefined;
  }

  #takeTurn(): void {
    this.#isTurnDue = false;
    if (this.#reconciling !== undefined) return;
    const turn: Turn = { waiting: [], blocked: new Map() };
    const queue = this.#queue;
    this.#queue = [];
    for (const { link, items } of queue) {
      // Its thread may have died since.
      if (this.#router.links.get(link.index) !== link) continue;
      for (const item of items) this.#take(link, item, turn);
    }
    const refused = this.#ledger.commit();
    for (const { link, item } of turn.waiting) {
      // What depends on something that could not be stored cannot be stored either. All else is taken all the same.
      if (refused !== undefined && isEntry(item)) link.out.push(['error', item[1], refused]);
      else this.#queue.push({ link, items: [item] });
    }
  }

  #take(link: ShardLink, item: ToRegistry, turn: Turn): void {
    switch (item[0]) {
      case 'announce':
        for (const session of item[3]) this.#arrivals.restore(link, session);
        this.#router.announce(link, item);
        break;
      case 'handled': {
        this.#router.credit(link, item[1]);
        if (link.behind) break;
        for (const command of link.held.splice(0)) this.#try(link, command, turn);
        break;
      }
      default:
        // What a shard asks is answered behind what it has missed, never before.
        if (link.behind) link.held.push(item);
        else this.#try(link, item, turn);
    }
  }

  /**
   * One commit a turn, however the commands depend on each other: one that must wait for the commit goes into the
   * next turn, and so does everything that came behind it on its connection. So nobody can hold up the others.
   */
  #try(link: ShardLink, command: Command, turn: Turn): void {
    const blocked = turn.blocked.get(link);
    if (blocked?.has(command[2]) !== true && this.#requests.take(link, command)) return;
    turn.blocked.set(link, (blocked ?? new Set()).add(command[2]));
    turn.waiting.push({ link, item: command });
  }

  #disconnect(shard: number): void {
    this.#router.links.delete(shard);
    for (const account of this.#sessions.detachShard(shard)) this.#arrivals.sessionEnded(account);
    this.#ledger.commit();
  }

  #tick(): void {
    const now = this.#clock.monotonic();
    this.#checkClock();
    for (const { account, online } of this.#presence.changes(now)) this.#tellPresence(account, online);
    this.#router.tellCursors();
    this.#ledger.retry();
    this.#router.retry();
    for (const link of this.#router.links.values()) if (!link.behind) this.#release(link);
    this.#roster.sweep(now);
    this.#ledger.commitMarks();
    if (!this.#ledger.isBroken) this.#log.boundWal();
    this.#forget();
  }

  #checkClock(): void {
    const jumpMs = this.#steady.check();
    if (jumpMs === undefined) return;
    const seconds = Math.round(Math.abs(jumpMs) / 1_000);
    this.#logger.warn(
      { event: 'clock.jumped', seconds: jumpMs < 0 ? -seconds : seconds },
      `the clock of this machine was set ${jumpMs < 0 ? 'back' : 'forward'} by ${seconds} s, or the machine slept; ` +
        'nothing is removed because of its age until the clock has been steady for an hour',
    );
  }

  /**
   * A little at a time: what people say now does not wait for what was said long ago. Nothing at all while the clock
   * cannot be believed.
   */
  #forget(): void {
    const now = this.#steady.settled();
    this.#isForgettingDue =
      now !== undefined &&
      this.#ledger.forget({
        now,
        keysBefore: now - KEY_LIFETIME_MS,
        entriesBefore: now - this.#keepMs,
        limit: FORGOTTEN_A_TIME,
      });
  }

  #tellPresence(account: Account, online: boolean): void {
    const rooms = [...(account.rooms?.keys() ?? [])].filter(
      (room) => room.members.size <= PRESENCE_ROOM_LIMIT,
    );
    for (const link of this.#router.links.values()) {
      const here = rooms.filter((room) => (this.#sessions.shardsOfRoom(room.id)[link.index] ?? 0) > 0);
      // Presence is told as it is now: a shard that is behind is told nothing rather than something old.
      if (here.length > 0 && !link.behind) {
        link.out.push(['presence', account.id, account.name, online, here.map((room) => room.id)]);
      }
    }
  }
}
