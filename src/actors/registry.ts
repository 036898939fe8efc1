/**
 * The registry actor: the only owner of the user dictionary, the rooms and their members. It gathers what all
 * shards ask in one turn of the event loop, appends it to the log as one batch, folds what the log has
 * committed, and routes it.
 */

import type { Account, Room } from '../chat/directory.ts';
import { byName, type Directory, pageAfter } from '../chat/directory.ts';
import type { Draft, Entry, MembershipChange } from '../chat/entry.ts';
import { isRoomName } from '../chat/names.ts';
import { PRESENCE_GRACE_MS, PRESENCE_ROOM_LIMIT, Presence } from '../chat/presence.ts';
import { Sessions } from '../chat/sessions.ts';
import type { MessageLog, Stored } from '../store/message-log.ts';
import { LIMITS, type RefusalCode, type RoomPage, type UserPage } from '../transport/protocol.ts';
import type { Behavior } from './actor.ts';
import type { Command, ToRegistry } from './link.ts';
import { type Outgoing, Router, ShardLink } from './router.ts';

/** Names in one answer: the longest names make a page of about 35 KiB at most. */
const PAGE = 500;
/** How long a key of a message is remembered, in milliseconds. */
const KEY_LIFETIME_MS = 24 * 60 * 60 * 1_000;

export interface KnownAccount {
  readonly name: string;
  readonly since: string;
}

export type RegistryMsg =
  | { readonly type: 'shard_connected'; readonly shard: number; readonly out: Outgoing }
  | { readonly type: 'shard_gone'; readonly shard: number; readonly out: Outgoing }
  | {
      readonly type: 'batch';
      readonly shard: number;
      readonly out: Outgoing;
      readonly items: readonly ToRegistry[];
    }
  /** The accounts that can log in. Nothing is handled before the first of these. */
  | { readonly type: 'accounts'; readonly accounts: readonly KnownAccount[] }
  | { readonly type: 'turn' }
  | { readonly type: 'tick'; readonly now: number };

export interface RegistryLog {
  warn(fields: Record<string, unknown>, text: string): void;
}

export function registry(log: MessageLog, logger: RegistryLog): Behavior<Registry, RegistryMsg> {
  return {
    init: () => new Registry(log, logger),
    receive(state, msg, self) {
      switch (msg.type) {
        case 'shard_connected':
          state.connect(msg.shard, msg.out);
          break;
        case 'shard_gone':
          state.disconnect(msg.shard, msg.out, Date.now());
          break;
        case 'batch':
          // The turn runs behind the messages of all shards that are waiting now, and takes them as one batch.
          if (state.enqueue(msg.shard, msg.out, msg.items)) setImmediate(() => self.tell({ type: 'turn' }));
          break;
        case 'accounts':
          state.reconcile(msg.accounts);
          if (state.enqueue(-1, undefined, [])) setImmediate(() => self.tell({ type: 'turn' }));
          break;
        case 'turn':
          state.takeTurn();
          break;
        case 'tick':
          state.tick(msg.now);
          break;
        default:
          return msg satisfies never;
      }
      return state;
    },
    stopped: () => log.close(),
  };
}

interface Asked {
  readonly link: ShardLink;
  readonly item: ToRegistry;
}

export class Registry {
  readonly #log: MessageLog;
  readonly #logger: RegistryLog;
  readonly #directory: Directory;
  readonly #sessions: Sessions;
  readonly #presence = new Presence();
  readonly #router: Router;
  /** What this turn has to do. Bounded: each shard has a limit of unanswered commands. */
  #queue: Asked[] = [];
  #turnDue = false;
  #accountsKnown = false;
  /** What this turn will commit, and what a later command must not overtake in it. */
  #drafts: Draft[] = [];
  #membersInBatch = new Set<number>();
  #keysInBatch = new Set<string>();
  /** Guests without a session, since when. They had one when this thread, or the server, stopped. */
  readonly #guestsAway = new Map<Account, number>();

  constructor(log: MessageLog, logger: RegistryLog) {
    this.#log = log;
    this.#logger = logger;
    this.#directory = log.load();
    this.#sessions = new Sessions(this.#directory);
    this.#router = new Router(log, this.#sessions, (change) => this.#resultOf(change));
    for (const account of this.#directory.accounts()) {
      if (account.guest) this.#guestsAway.set(account, Date.now());
    }
  }

  connect(shard: number, out: Outgoing): void {
    const former = this.#router.links.get(shard);
    if (former !== undefined) this.disconnect(shard, former.out, Date.now());
    this.#router.links.set(shard, new ShardLink(shard, out));
  }

  disconnect(shard: number, out: Outgoing, now: number): void {
    if (this.#router.links.get(shard)?.out !== out) return;
    this.#commit();
    this.#router.links.delete(shard);
    for (const account of this.#sessions.detachShard(shard)) this.#gone(account, now);
  }

  /** True when a turn must be scheduled for it. */
  enqueue(shard: number, out: Outgoing | undefined, items: readonly ToRegistry[]): boolean {
    const link = this.#router.links.get(shard);
    if (link !== undefined && link.out === out) for (const item of items) this.#queue.push({ link, item });
    if (this.#turnDue || this.#queue.length === 0 || !this.#accountsKnown) return false;
    this.#turnDue = true;
    return true;
  }

  takeTurn(): void {
    this.#turnDue = false;
    const queue = this.#queue;
    this.#queue = [];
    for (const { link, item } of queue) this.#take(link, item);
    this.#commit();
  }

  tick(now: number): void {
    this.#commit();
    for (const { account, online } of this.#presence.changes(now)) this.#tellPresence(account, online);
    this.#router.tellCursors();
    for (const [guest, since] of this.#guestsAway) {
      if (now - since < PRESENCE_GRACE_MS) break;
      this.#guestsAway.delete(guest);
      this.#retire(guest);
    }
    this.#log.forgetKeys((now - KEY_LIFETIME_MS) * 1_000);
  }

  /**
   * Makes the dictionary agree with the password store: who is there but not known gets an account; who is
   * known but cannot log in any more is not part of the dictionary.
   */
  reconcile(accounts: readonly KnownAccount[]): void {
    const missing = accounts.filter(({ name }) => this.#registered(name) === undefined);
    for (const { name } of missing) {
      const guest = this.#directory.account(name);
      if (guest !== undefined) this.#retire(guest);
    }
    const added = this.#log.addAccounts(missing.map((account) => ({ ...account, guest: false })));
    if (added.type !== 'stored') throw new Error(`chat.db: cannot store accounts: ${added.type}`);
    for (const account of added.value) this.#directory.addAccount(account);
    const known = new Set(accounts.map(({ name }) => this.#directory.account(name)));
    for (const account of [...this.#directory.accounts()]) {
      if (account.guest || known.has(account)) continue;
      this.#directory.hideAccount(account);
      this.#logger.warn(
        { event: 'account.orphan', user: account.name },
        'account is not in users.txt: hidden',
      );
    }
    this.#accountsKnown = true;
  }

  #registered(name: string): Account | undefined {
    const account = this.#directory.account(name);
    return account?.guest === false ? account : undefined;
  }

  #take(link: ShardLink, item: ToRegistry): void {
    switch (item[0]) {
      case 'announce':
        for (const [connection, id, name] of item[3]) this.#restore(link, connection, id, name);
        this.#router.announce(link, item);
        break;
      case 'handled': {
        this.#router.credit(link, item[1]);
        if (link.behind) break;
        const held = link.held;
        link.held = [];
        for (const command of held) this.#take(link, command);
        break;
      }
      default:
        if (link.behind) link.held.push(item);
        else this.#run(link, item);
    }
  }

  #restore(link: ShardLink, connection: number, id: number, name: string): void {
    const account = this.#directory.account(name);
    if (account?.id !== id) {
      link.out.push(['expelled', id, 0]);
      return;
    }
    this.#guestsAway.delete(account);
    this.#sessions.attach(link.index, connection, account);
    this.#presence.assume(account);
  }

  #run(link: ShardLink, command: Command): void {
    switch (command[0]) {
      case 'send':
        this.#send(link, command);
        return;
      case 'join':
      case 'leave':
        this.#changeMembership(link, command);
        return;
      default:
        // Everything else is answered from what is committed.
        this.#commit();
        this.#answer(link, command);
    }
  }

  #send(
    link: ShardLink,
    [, number, connection, to, text, key]: Command & readonly ['send', ...unknown[]],
  ): void {
    const sender = this.#sessions.find(link.index, connection);
    if (sender === undefined) return this.#refuse(link, number, 'not_logged_in');
    if (this.#membersInBatch.has(sender.id)) this.#commit();
    const draft = this.#draftMessage(link, number, sender, to, text, key);
    if (typeof draft === 'string') return this.#refuse(link, number, draft);
    if (key !== null) {
      const inBatch = `${sender.id} ${key}`;
      if (this.#keysInBatch.has(inBatch)) this.#commit();
      const use = this.#log.findKey({ ...draft, key });
      if (use !== undefined) {
        if (!use.same) return this.#refuse(link, number, 'key_reused');
        link.out.push(['ok', number, [use.id, Math.floor(use.id / 1_000)]]);
        return;
      }
      this.#keysInBatch.add(inBatch);
    }
    this.#drafts.push(draft);
  }

  #draftMessage(
    link: ShardLink,
    number: number,
    sender: Account,
    to: string,
    text: string,
    key: string | null,
  ): Draft | RefusalCode {
    const origin = { shard: link.incarnation, number };
    if (isRoomName(to)) {
      const room = this.#directory.room(to);
      if (room === undefined) return 'no_such_room';
      if (!room.members.has(sender.id)) return 'not_a_member';
      const { id, name } = room;
      return {
        kind: 'message',
        account: sender.id,
        user: sender.name,
        room: id,
        roomName: name,
        text,
        key,
        origin,
      };
    }
    const peer = this.#directory.account(to);
    if (peer === undefined) return 'no_such_user';
    const { id, name } = peer;
    return {
      kind: 'direct',
      account: sender.id,
      user: sender.name,
      peer: id,
      peerName: name,
      text,
      key,
      origin,
    };
  }

  #changeMembership(
    link: ShardLink,
    [verb, number, connection, name]: Command & readonly ['join' | 'leave', ...unknown[]],
  ): void {
    const account = this.#sessions.find(link.index, connection);
    if (account === undefined) return this.#refuse(link, number, 'not_logged_in');
    if (this.#membersInBatch.has(account.id)) this.#commit();
    const room = this.#directory.room(name);
    const isMember = room?.members.has(account.id) ?? false;
    if (verb === 'leave' && room === undefined) return this.#refuse(link, number, 'no_such_room');
    if (verb === 'leave' && !isMember) return this.#refuse(link, number, 'not_a_member');
    if (verb === 'join' && room !== undefined && isMember) {
      this.#commit();
      link.out.push(['ok', number, [null, this.#members(room, null)]]);
      return;
    }
    if (verb === 'join' && this.#directory.roomsOf(account).size >= LIMITS.roomsPerAccount) {
      return this.#refuse(link, number, 'too_many_rooms');
    }
    this.#membersInBatch.add(account.id);
    this.#drafts.push({
      kind: verb === 'join' ? 'joined' : 'left',
      account: account.id,
      user: account.name,
      room: room?.id ?? 0,
      roomName: room?.name ?? name,
      origin: { shard: link.incarnation, number },
    });
  }

  #answer(
    link: ShardLink,
    command: Exclude<Command, readonly ['send' | 'join' | 'leave', ...unknown[]]>,
  ): void {
    switch (command[0]) {
      case 'attach':
        this.#attach(link, command[1], command[2], command[3], command[4]);
        break;
      case 'detach': {
        const account = this.#sessions.detach(link.index, command[2]);
        if (account !== undefined && !this.#sessions.isOnline(account)) this.#gone(account, Date.now());
        link.out.push(['ok', command[1], null]);
        break;
      }
      case 'account':
        this.#addAccount(link, command[1], command[2], command[3]);
        break;
      case 'who': {
        const room = command[2] === null ? undefined : this.#directory.room(command[2]);
        if (command[2] !== null && room === undefined) return this.#refuse(link, command[1], 'no_such_room');
        const page = room === undefined ? this.#online(command[3]) : this.#members(room, command[3]);
        link.out.push(['ok', command[1], page]);
        break;
      }
      case 'rooms':
        link.out.push(['ok', command[1], this.#rooms(command[2])]);
        break;
      case 'expel':
        this.#expel(link, command[1], command[2]);
        break;
      default:
        command satisfies never;
    }
  }

  #attach(link: ShardLink, number: number, connection: number, user: string, guest: boolean): void {
    const account = guest ? this.#newGuest(user) : this.#registered(user);
    if (account === undefined) return this.#refuse(link, number, guest ? 'storage_failed' : 'no_such_user');
    this.#sessions.attach(link.index, connection, account);
    this.#presence.came(account);
    const rooms = [...this.#directory.roomsOf(account)].map((room) => [room.id, room.name] as const);
    link.out.push(['attached', number, account.id, account.name, rooms, this.#router.routed]);
  }

  /** A guest always is a new account: nobody reads what an earlier guest of that name was told. */
  #newGuest(name: string): Account | undefined {
    const former = this.#directory.account(name);
    if (former !== undefined) this.#retire(former);
    const added = this.#log.addAccounts([{ name, since: '', guest: true }]);
    return this.#added(added);
  }

  #addAccount(link: ShardLink, number: number, user: string, since: string): void {
    const former = this.#directory.account(user);
    // The same registration again: the shard had no answer to its first asking.
    if (former?.since === since) {
      link.out.push(['ok', number, null]);
      return;
    }
    if (former !== undefined) this.#retire(former);
    const added = this.#log.addAccounts([{ name: user, since, guest: false }]);
    if (this.#added(added) === undefined) this.#refuse(link, number, 'storage_failed');
    else link.out.push(['ok', number, null]);
  }

  #added(added: Stored<Account[]>): Account | undefined {
    const account = added.type === 'stored' ? added.value[0] : undefined;
    if (account !== undefined) this.#directory.addAccount(account);
    return account;
  }

  #expel(link: ShardLink, number: number, connection: number): void {
    const account = this.#sessions.find(link.index, connection);
    if (account === undefined) return this.#refuse(link, number, 'not_logged_in');
    for (const other of this.#router.links.values()) {
      if ((this.#sessions.shardsOfAccount(account.id)[other.index] ?? 0) === 0) continue;
      other.out.push(['expelled', account.id, other === link ? connection : 0]);
    }
    link.out.push(['ok', number, null]);
  }

  #gone(account: Account, now: number): void {
    if (this.#sessions.isOnline(account)) return;
    this.#presence.went(account, now);
    if (account.guest) this.#retire(account);
  }

  /** Ends an account: it leaves its rooms, and its name is free. */
  #retire(account: Account): void {
    for (const room of this.#directory.roomsOf(account)) {
      const { id, name } = account;
      this.#drafts.push({
        kind: 'left',
        account: id,
        user: name,
        room: room.id,
        roomName: room.name,
        origin: null,
      });
    }
    this.#commit();
    this.#log.retireAccount(account);
    this.#directory.removeAccount(account);
  }

  #commit(): void {
    if (this.#drafts.length === 0) return;
    const drafts = this.#drafts;
    this.#drafts = [];
    this.#membersInBatch.clear();
    this.#keysInBatch.clear();
    const outcome = this.#log.append(drafts);
    if (outcome.type === 'committed') {
      for (const entry of outcome.entries) this.#fold(entry);
      return;
    }
    for (const { origin } of drafts)
      if (origin !== null) this.#refuseOrigin(origin.shard, origin.number, outcome.type);
    this.#logger.warn({ event: outcome.type, entries: drafts.length }, 'the log could not be written');
    if (outcome.type === 'storage_failed') this.#reopen();
  }

  /** After a failed commit the log decides what is stored: whatever turns out to be is folded and routed. */
  #reopen(): void {
    this.#log.reopen();
    for (;;) {
      const page = this.#log.readAfter(this.#router.routed, PAGE);
      for (const entry of page) this.#fold(entry);
      if (page.length < PAGE) return;
    }
  }

  #refuseOrigin(incarnation: number, number: number, code: RefusalCode): void {
    for (const link of this.#router.links.values()) {
      if (link.incarnation === incarnation) this.#refuse(link, number, code);
    }
  }

  #fold(entry: Entry): void {
    if (entry.kind === 'message' || entry.kind === 'direct') this.#router.route(entry);
    else this.#foldChange(entry);
  }

  #foldChange(change: MembershipChange): void {
    const account = this.#directory.account(change.user);
    if (account?.id !== change.account) return;
    const room = this.#directory.apply(change, account);
    if (change.kind === 'joined') this.#sessions.joined(account, room);
    else this.#sessions.left(account, room);
    this.#router.route(change);
  }

  #resultOf(change: MembershipChange): unknown {
    const room = this.#directory.room(change.roomName);
    return change.kind === 'joined' && room !== undefined
      ? [change.id, this.#members(room, null)]
      : [change.id];
  }

  #members(room: Room, after: string | null): UserPage {
    return this.#page(this.#directory.membersInOrder(room), after);
  }

  #online(after: string | null): UserPage {
    return this.#page([...this.#sessions.online.values()].sort(byName), after);
  }

  #page(sorted: readonly Account[], after: string | null): UserPage {
    const { items, next } = pageAfter(sorted, after, PAGE);
    return [items.map((account) => [account.name, this.#sessions.isOnline(account)]), next];
  }

  #rooms(after: string | null): RoomPage {
    const { items, next } = pageAfter([...this.#directory.rooms()].sort(byName), after, PAGE);
    return [items.map((room) => [room.name, room.members.size]), next];
  }

  #tellPresence(account: Account, online: boolean): void {
    const rooms = [...this.#directory.roomsOf(account)].filter(
      (room) => room.members.size <= PRESENCE_ROOM_LIMIT,
    );
    for (const link of this.#router.links.values()) {
      const here = rooms.filter((room) => (this.#sessions.shardsOfRoom(room.id)[link.index] ?? 0) > 0);
      // Presence is told as it is now: a shard that is behind is told nothing rather than something old.
      if (here.length > 0 && !link.behind) {
        link.out.push(['presence', account.name, online, here.map((room) => room.id)]);
      }
    }
  }

  #refuse(link: ShardLink, number: number, code: RefusalCode): void {
    link.out.push(['error', number, code]);
  }
}
