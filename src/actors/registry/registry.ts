/**
 * The registry actor: the only owner of the user dictionary, the rooms and their members. It gathers what all
 * shards ask in one turn of the event loop and sends it into the log as one batch; when that comes back, the ledger folds
 * it and routes it.
 */

import type { Logger } from 'pino';
import type { Account } from '../../chat/directory.ts';
import { Fold } from '../../chat/fold.ts';
import { PRESENCE_ROOM_LIMIT, Presence } from '../../chat/presence.ts';
import { type Projection, StorageFailure } from '../../chat/projection.ts';
import { Sessions } from '../../chat/sessions.ts';
import { type Clock, SETTLE_MS, SteadyClock, SYSTEM_CLOCK } from '../../common/clock.ts';
import type { RefusalCode } from '../../protocol/vocabulary.ts';
import { type OpenLog, openLocalLog } from '../../store/log.ts';
import type { ActorRef, Behavior, Reply } from '../kernel/actor.ts';
import { testNumber } from '../kernel/fault-injection.ts';
import type { Metrics } from '../kernel/metrics.ts';
import type { Command, CommandOf, ToRegistry } from '../link/messages.ts';
import { Accounts } from './accounts.ts';
import { type Handlers, handle, type Query, type QueryAnswer } from './handlers.ts';
import { Ledger } from './ledger.ts';
import { Lists } from './lists.ts';
import { type QueryParts, queries } from './queries.ts';
import { roomCommands } from './room-commands.ts';
import { type Outgoing, Router, ShardLink } from './router.ts';
import { SessionCommands } from './session-commands.ts';

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
  | { readonly type: 'tick' }
  | { readonly type: 'metrics'; readonly reply: Reply<Metrics> }
  /** Replied to when everything that is under way has been stored. */
  | { readonly type: 'finish'; readonly reply: Reply<void> };

/** Entries removed at a time, and the pause for messages between two times, in milliseconds. */
const RECONCILE_BATCH = 20_000;
const PRUNE_BATCH = 500;
const FORGET_PAUSE_MS = 20;

const GONE: QueryParts['registeredAt'] = () => Promise.resolve({ type: 'gone' });

export interface RegistryOptions {
  readonly projection: Projection;
  /** How old entries may become, in milliseconds; Infinity to keep them for ever. */
  readonly keepMs: number;
  readonly logger: Logger;
  readonly clock?: Clock;
  /** The order of the batches; that of this machine alone if left out. */
  readonly openLog?: OpenLog | undefined;
  /** Asks auth; without it, auth counts as gone. */
  readonly registeredAt?: QueryParts['registeredAt'];
}

export function registry(options: RegistryOptions): Behavior<Registry, RegistryMsg> {
  return {
    async init(self) {
      const registry = new Registry(options, self);
      // A shard that announces itself repeats the commands that an earlier run of this thread has not answered. That run's
      // last batches may still be on their way through the log; until they are back, a repeat would be stored twice.
      await registry.catchUp();
      return registry;
    },
    receive(state, msg) {
      if (msg.type === 'finish')
        return state
          .finish()
          .then(msg.reply)
          .then(() => state);
      state.receive(msg);
      return state;
    },
    stopped(state) {
      state.close();
      options.projection.close();
    },
  };
}

interface Asked {
  readonly link: ShardLink;
  readonly items: readonly ToRegistry[];
}

class Registry {
  readonly #projection: Projection;
  readonly #keepMs: number;
  readonly #logger: Logger;
  readonly #clock: Clock;
  readonly #steady: SteadyClock;
  readonly #presence = new Presence();
  readonly #sessions: Sessions;
  readonly #router: Router;
  readonly #ledger: Ledger;
  readonly #accounts: Accounts;
  readonly #sessionCommands: SessionCommands;
  readonly #handlers: Handlers;
  /** What the next turn has to do. Bounded: each shard has a limit of unanswered commands. */
  #queue: Asked[] = [];
  #isTurnDue = false;
  /** Commands taken since the start. */
  #commands = 0;
  /** The accounts that can log in, while they are taken in; undefined when they have been. */
  #reconciling: { readonly names: readonly string[]; next: number } | undefined = { names: [], next: 0 };
  readonly #self: ActorRef<RegistryMsg>;

  constructor(
    { projection, keepMs, logger, clock = SYSTEM_CLOCK, openLog, registeredAt = GONE }: RegistryOptions,
    self: ActorRef<RegistryMsg>,
  ) {
    this.#self = self;
    this.#projection = projection;
    this.#keepMs = keepMs;
    this.#logger = logger;
    this.#clock = clock;
    this.#steady = new SteadyClock(clock, testNumber('PARLEY_TEST_SETTLE_MS') ?? SETTLE_MS);
    const fold = new Fold(projection);
    const { directory } = fold;
    const sessions = new Sessions(directory);
    this.#sessions = sessions;
    const lists = new Lists(directory, sessions);
    const router = new Router(projection, sessions, (change) => lists.resultOf(change));
    this.#router = router;
    const ledger = new Ledger(`${process.pid} ${clock.wall()}`, openLog ?? openLocalLog(() => clock.wall()), {
      projection,
      fold,
      sessions,
      router,
      logger,
    });
    this.#ledger = ledger;
    const accounts = new Accounts(directory, ledger, logger);
    this.#accounts = accounts;
    const presence = this.#presence;
    const parts = { clock, directory, sessions, presence, router, ledger, accounts };
    const sessionCommands = new SessionCommands(parts);
    this.#sessionCommands = sessionCommands;
    this.#handlers = {
      ...roomCommands(ledger, lists),
      ...queries({ directory, sessions, lists, registeredAt }),
      seen: (command, account, link) => sessionCommands.see(command, account, link),
    };
  }

  receive(msg: Exclude<RegistryMsg, { type: 'finish' }>): void {
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
        this.#reconcileSoon();
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
      case 'metrics':
        msg.reply(this.#metrics());
        break;
      default:
        msg satisfies never;
    }
  }

  async catchUp(): Promise<void> {
    await this.#ledger.barrier();
    this.#accounts.expectGuests(this.#clock.monotonic());
  }

  /** The beginning of an orderly end: everything that is under way is stored. */
  finish(): Promise<void> {
    return this.#ledger.finish();
  }

  close(): void {
    this.#ledger.close();
  }

  #enqueue(shard: number, out: Outgoing, items: readonly ToRegistry[]): void {
    const link = this.#router.links.get(shard);
    if (link?.out === out) this.#queue.push({ link, items });
    this.#takeTurnSoon();
  }

  /** The turn comes behind the messages of all shards that are waiting now, and takes them as one batch. */
  #takeTurnSoon(): void {
    if (this.#isTurnDue || this.#queue.length === 0 || this.#reconciling !== undefined) return;
    this.#isTurnDue = true;
    setImmediate(() => this.#self.tell({ type: 'turn' }));
  }

  #reconcileSoon(): void {
    setImmediate(() => this.#self.tell({ type: 'reconcile' }));
  }

  /** What was held back comes before all that has been asked since. */
  #release(link: ShardLink): void {
    if (link.held.length > 0) this.#queue.unshift({ link, items: link.held.splice(0) });
    this.#takeTurnSoon();
  }

  /**
   * A part at a time: a million accounts at once would take longer than a thread may give no sign of life. Shards wait:
   * who registers in between must not be taken for somebody who cannot log in.
   */
  #reconcile(): void {
    const reconciling = this.#reconciling;
    if (reconciling === undefined) return;
    const { names, next } = reconciling;
    this.#accounts.reconcile(names.slice(next, next + RECONCILE_BATCH));
    this.#ledger.turn.afterwards(() => {
      if (this.#reconciling !== reconciling) return;
      reconciling.next = next + RECONCILE_BATCH;
      if (reconciling.next < names.length) {
        this.#reconcileSoon();
        return;
      }
      this.#accounts.hideAllBut(names);
      this.#reconciling = undefined;
      this.#takeTurnSoon();
    });
    this.#ledger.propose();
  }

  #takeTurn(): void {
    this.#isTurnDue = false;
    if (this.#reconciling !== undefined) return;
    const queue = this.#queue;
    this.#queue = [];
    for (const { link, items } of queue) {
      // Its thread may have died since.
      if (this.#router.links.get(link.index) !== link) continue;
      for (const item of items) this.#take(link, item);
    }
    this.#ledger.propose();
  }

  #take(link: ShardLink, item: ToRegistry): void {
    switch (item[0]) {
      case 'announce':
        for (const session of item[3]) this.#sessionCommands.restore(link, session);
        this.#router.announce(link, item);
        break;
      case 'handled':
        this.#router.credit(link, item[1]);
        if (!link.behind) for (const command of link.held.splice(0)) this.#command(link, command);
        break;
      default:
        this.#command(link, item);
    }
  }

  /** What a shard asks is answered behind what it has missed, never before. */
  #command(link: ShardLink, command: Command): void {
    if (link.behind) {
      link.held.push(command);
      return;
    }
    this.#commands += 1;
    const refused = this.#try(link, command);
    if (refused !== undefined) link.out.push(['error', command[1], refused]);
  }

  #try(link: ShardLink, command: Command): RefusalCode | undefined {
    try {
      return this.#run(link, command);
    } catch (error) {
      if (error instanceof StorageFailure) return 'storage_failed';
      throw error;
    }
  }

  #run(link: ShardLink, command: Command): RefusalCode | undefined {
    switch (command[0]) {
      case 'detach':
        return this.#sessionCommands.detach(link, command);
      case 'attach': {
        const { act, abandon } = this.#sessionCommands.attach(link, command);
        return this.#afterwards(link, command, act, abandon);
      }
      case 'live':
        return this.#afterwards(link, command, () => this.#sessionCommands.goLive(link, command));
      case 'account':
        return this.#register(link, command);
      default: {
        const account = this.#sessions.find(link.index, command[2]);
        if (account === undefined) return 'not_logged_in';
        const handled = handle(this.#handlers, command, account, link);
        return typeof handled === 'function' ? this.#query(link, command, handled) : handled;
      }
    }
  }

  #query(link: ShardLink, command: Command, query: Query): undefined {
    this.#ledger.turn.query(() => {
      const answer = query();
      return () => {
        if (answer instanceof Promise) void answer.then((late) => this.#answer(link, command, late));
        else this.#answer(link, command, answer);
      };
    });
  }

  #answer(link: ShardLink, command: Command, answer: QueryAnswer): void {
    // Its thread has died meanwhile.
    if (this.#router.links.get(link.index) !== link) return;
    if (link.behind) link.held.push(command);
    else if (answer.type === 'ok') link.out.push(['ok', command[1], answer.result]);
    else link.out.push(['error', command[1], answer.code]);
  }

  /** A session begins, or goes live, behind everything of the turn; a shard that has fallen behind by then has to wait. */
  #afterwards(
    link: ShardLink,
    command: Command,
    act: () => RefusalCode | undefined,
    abandon: () => void = () => {},
  ): undefined {
    this.#ledger.turn.afterwards(() => {
      // Its thread has died meanwhile.
      if (this.#router.links.get(link.index) !== link) {
        abandon();
        return;
      }
      if (link.behind) {
        abandon();
        link.held.push(command);
        return;
      }
      const refused = act();
      if (refused === undefined) return;
      abandon();
      link.out.push(['error', command[1], refused]);
    });
  }

  #register(link: ShardLink, [, number, , name]: CommandOf<'account'>): undefined {
    this.#accounts.admit({ name, guest: false }, (account) => {
      // The password store has it: what the log cannot take in at present begins with the first login.
      const isStored =
        typeof account !== 'string' || account === 'storage_full' || account === 'storage_failed';
      link.out.push(isStored ? ['ok', number, null] : ['error', number, account]);
    });
  }

  #metrics(): Metrics {
    const links = [...this.#router.links.values()];
    return {
      batchesQueued: this.#queue.length,
      commands: this.#commands,
      commandsHeld: links.reduce((held, link) => held + link.held.length, 0),
      routedTo: this.#router.routed,
      accountsOnline: this.#sessions.online,
      shards: links.length,
      shardsBehind: links.filter(({ behind }) => behind).length,
    };
  }

  #disconnect(shard: number): void {
    this.#router.links.delete(shard);
    for (const account of this.#sessions.detachShard(shard)) this.#sessionCommands.sessionEnded(account);
    this.#ledger.propose();
  }

  #tick(): void {
    const now = this.#clock.monotonic();
    this.#checkClock();
    for (const { account, online } of this.#presence.changes(now)) this.#tellPresence(account, online);
    this.#router.tellCursors();
    this.#ledger.retry();
    this.#router.retry();
    for (const link of this.#router.links.values()) if (!link.behind) this.#release(link);
    this.#accounts.sweep(now);
    this.#ledger.proposeMarks();
    if (!this.#ledger.isBroken) this.#projection.boundWal();
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
    if (now === undefined) return;
    const isMore = this.#ledger.forget({
      now,
      keysBefore: now - KEY_LIFETIME_MS,
      entriesBefore: now - this.#keepMs,
      limit: PRUNE_BATCH,
    });
    if (isMore) setTimeout(() => this.#self.tell({ type: 'forget' }), FORGET_PAUSE_MS);
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
