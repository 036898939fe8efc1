/**
 * The registry actor: the only owner of accounts, rooms, members and sessions. It collects the commands that all shards
 * send in one turn of the event loop, and proposes them to the log as one batch. When the log has committed the batch, the
 * ledger folds it and routes its entries.
 */

import type { Logger } from 'pino';
import { Fold } from '../../chat/fold.ts';
import { Presence } from '../../chat/presence.ts';
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
import { Router, ShardLink, type ShardSink } from './router.ts';
import { SessionCommands } from './session-commands.ts';

/** How long the idempotency key of a message is remembered, in milliseconds. */
const KEY_LIFETIME_MS = 24 * 60 * 60 * 1_000;

export type RegistryMsg =
  | { readonly type: 'shard_connected'; readonly shard: number; readonly out: ShardSink }
  | { readonly type: 'shard_gone'; readonly shard: number; readonly out: ShardSink }
  | {
      readonly type: 'batch';
      readonly shard: number;
      readonly out: ShardSink;
      readonly items: readonly ToRegistry[];
    }
  /** The names of the accounts that can log in. The registry handles no command before it has reconciled them. */
  | { readonly type: 'accounts'; readonly names: readonly string[] }
  | { readonly type: 'reconcile' }
  | { readonly type: 'turn' }
  | { readonly type: 'prune' }
  | { readonly type: 'tick' }
  | { readonly type: 'metrics'; readonly reply: Reply<Metrics> }
  /** Replies when everything that is in flight has been stored. */
  | { readonly type: 'finish'; readonly reply: Reply<void> };

/** How many names to reconcile in one turn. */
const RECONCILE_BATCH = 20_000;
/** How many entries to prune at a time, and the pause before the next batch, in which messages are handled. */
const PRUNE_BATCH = 500;
const PRUNE_PAUSE_MS = 20;

const GONE: QueryParts['registeredAt'] = () => Promise.resolve({ type: 'gone' });

export interface RegistryOptions {
  readonly projection: Projection;
  /** How long to keep entries, in milliseconds; Infinity to keep them for ever. */
  readonly keepMs: number;
  readonly logger: Logger;
  readonly clock?: Clock;
  /** The log; by default that of a single machine. */
  readonly openLog?: OpenLog | undefined;
  /** By default auth counts as gone. */
  readonly registeredAt?: QueryParts['registeredAt'];
}

export function registry(options: RegistryOptions): Behavior<Registry, RegistryMsg> {
  return {
    async init(self) {
      const registry = new Registry(options, self);
      // When a shard announces itself it repeats the commands that an earlier run of this thread did not answer. The last
      // batches of that run may still be in the log, uncommitted. Until they are committed, a repeat would be stored twice.
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

interface QueuedBatch {
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
  /** The batches for the next turn. Bounded, because each shard limits its unanswered commands. */
  #queue: QueuedBatch[] = [];
  #isTurnDue = false;
  /** Commands handled since the start. */
  #commands = 0;
  /** The names that can log in, and how many of them are reconciled; undefined once all are. */
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
      seen: (command, account, link) => sessionCommands.markSeen(command, account, link),
    };
  }

  receive(msg: Exclude<RegistryMsg, { type: 'finish' }>): void {
    switch (msg.type) {
      case 'shard_connected':
        // The message that the shard's previous thread is gone may not have arrived yet.
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
      case 'prune':
        this.#prune();
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

  /** The first step of a shutdown: stores everything that is in flight. */
  finish(): Promise<void> {
    return this.#ledger.finish();
  }

  close(): void {
    this.#ledger.close();
  }

  #enqueue(shard: number, out: ShardSink, items: readonly ToRegistry[]): void {
    const link = this.#router.links.get(shard);
    if (link?.out === out) this.#queue.push({ link, items });
    this.#takeTurnSoon();
  }

  /** Schedules the turn after the messages that are waiting now, so that it combines the batches of all shards. */
  #takeTurnSoon(): void {
    if (this.#isTurnDue || this.#queue.length === 0 || this.#reconciling !== undefined) return;
    this.#isTurnDue = true;
    setImmediate(() => this.#self.tell({ type: 'turn' }));
  }

  #reconcileSoon(): void {
    setImmediate(() => this.#self.tell({ type: 'reconcile' }));
  }

  /** Puts the held commands before all later ones. */
  #release(link: ShardLink): void {
    if (link.held.length > 0) this.#queue.unshift({ link, items: link.held.splice(0) });
    this.#takeTurnSoon();
  }

  /**
   * Works in batches, because a million names at once would take longer than the watchdog allows. The commands of shards
   * wait, because somebody who registers in between would be mistaken for an account that cannot log in.
   */
  #reconcile(): void {
    const reconciling = this.#reconciling;
    if (reconciling === undefined) return;
    const { names, next } = reconciling;
    this.#accounts.reconcile(names.slice(next, next + RECONCILE_BATCH));
    this.#ledger.turn.whenDone(() => {
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
      // The shard's thread may have died since.
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
        if (!link.isBehind) for (const command of link.held.splice(0)) this.#command(link, command);
        break;
      default:
        this.#command(link, item);
    }
  }

  /** Holds the command while its shard is behind: its answer must come after the entries that the shard lacks. */
  #command(link: ShardLink, command: Command): void {
    if (link.isBehind) {
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
        const { begin, abandon } = this.#sessionCommands.attach(link, command);
        return this.#whenDone(link, command, begin, abandon);
      }
      case 'live':
        return this.#whenDone(link, command, () => this.#sessionCommands.goLive(link, command));
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
    this.#ledger.turn.addQuery(() => {
      const answer = query();
      return () => {
        if (answer instanceof Promise) void answer.then((late) => this.#answer(link, command, late));
        else this.#answer(link, command, answer);
      };
    });
  }

  #answer(link: ShardLink, command: Command, answer: QueryAnswer): void {
    // The shard's thread may have died in the meantime.
    if (this.#router.links.get(link.index) !== link) return;
    if (link.isBehind) link.held.push(command);
    else if (answer.type === 'ok') link.out.push(['ok', command[1], answer.result]);
    else link.out.push(['error', command[1], answer.code]);
  }

  /**
   * Begins a session, or lets it go live, after everything else in the turn. If the shard has fallen behind by then, the
   * command is held.
   */
  #whenDone(
    link: ShardLink,
    command: Command,
    act: () => RefusalCode | undefined,
    abandon: () => void = () => {},
  ): undefined {
    this.#ledger.turn.whenDone(() => {
      // The shard's thread may have died in the meantime.
      if (this.#router.links.get(link.index) !== link) {
        abandon();
        return;
      }
      if (link.isBehind) {
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
    this.#accounts.register({ name, guest: false }, (account) => {
      // The password store has the account. If the log cannot store it now, the first login will.
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
      shardsBehind: links.filter(({ isBehind }) => isBehind).length,
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
    for (const { account, online } of this.#presence.changes(now)) this.#router.sendPresence(account, online);
    this.#router.sendCursors();
    this.#ledger.retry();
    this.#router.retry();
    for (const link of this.#router.links.values()) if (!link.isBehind) this.#release(link);
    this.#accounts.retireMissingGuests(now);
    this.#ledger.proposeMarks();
    if (!this.#ledger.isBroken) this.#projection.boundWal();
    this.#prune();
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
   * Removes what is too old, in small batches so that new messages do not wait. Removes nothing while the clock is not
   * trustworthy.
   */
  #prune(): void {
    const now = this.#steady.settled();
    if (now === undefined) return;
    const isMore = this.#ledger.prune({
      now,
      keysBefore: now - KEY_LIFETIME_MS,
      entriesBefore: now - this.#keepMs,
      limit: PRUNE_BATCH,
    });
    if (isMore) setTimeout(() => this.#self.tell({ type: 'prune' }), PRUNE_PAUSE_MS);
  }
}
