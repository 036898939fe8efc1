/**
 * The auth actor: the only owner of the password store and of names. It never hashes on its own thread: it starts a job
 * in the pool and continues, and the result arrives as a message.
 */

import { hash as digest } from 'node:crypto';
import { foldName } from '../../chat/names.ts';
import type { SteadyClock } from '../../common/clock.ts';
import type { RefusalCode } from '../../protocol/vocabulary.ts';
import type { Account, AccountStore } from '../../store/accounts.ts';
import type { Tokens } from '../../store/tokens/tokens.ts';
import type { ActorRef, Behavior, Reply } from '../kernel/actor.ts';
import type { Asking, Credential } from './auth-api.ts';
import type { HashOutcome, HashPool } from './hash-pool.ts';
import { LoginThrottle } from './login-throttle.ts';

/** Pause between two steps of removing expired tokens. */
const SWEEP_PAUSE_MS = 200;

export type AuthAnswer =
  /**
   * `user`: the name as registered. `record`: the fingerprint of the account's password record; undefined for a guest.
   * `token`: for a later `resume`; present after a login or resume, if it could be stored.
   */
  | {
      readonly type: 'ok';
      readonly user: string;
      readonly record?: string | undefined;
      readonly token?: string | undefined;
    }
  | { readonly type: 'refused'; readonly code: RefusalCode };

/** The shards, which hold the sessions. */
export interface Sessions {
  /**
   * Ends the account's sessions that began under another password record, except the requesting one. Resolves when they
   * have ended, or will end together with a shard that does not answer.
   */
  passwordChanged(credential: Credential, asking: Asking): Promise<void>;
}

interface PasswordRequest {
  readonly user: string;
  readonly password: string;
  /** The peer address of the connection. */
  readonly address: string;
  readonly reply: Reply<AuthAnswer>;
}

/** The password change that a verification or hash belongs to. */
interface PasswordChange {
  readonly next: string;
  readonly asking: Asking;
}

type StoreOutcome = Awaited<ReturnType<AccountStore['append']>>;

export type AuthMsg =
  | ({ readonly type: 'register' } & PasswordRequest)
  | ({ readonly type: 'login' } & PasswordRequest)
  | ({ readonly type: 'change' } & PasswordChange & PasswordRequest)
  | {
      readonly type: 'claim';
      readonly user: string;
      /** The shard that the guest is on. */
      readonly owner: object;
      readonly reply: Reply<AuthAnswer>;
    }
  | {
      readonly type: 'resume' | 'end';
      readonly user: string;
      readonly token: string;
      readonly reply: Reply<AuthAnswer>;
    }
  | { readonly type: 'release'; readonly user: string; readonly owner: object }
  | { readonly type: 'owner_gone'; readonly owner: object }
  | { readonly type: 'tick' }
  | {
      readonly type: 'verified';
      readonly request: PasswordRequest;
      /** The hash that was verified against; undefined if the name does not exist. */
      readonly hash: string | undefined;
      /** Undefined for a login. */
      readonly change: PasswordChange | undefined;
      readonly outcome: HashOutcome<boolean>;
    }
  | {
      readonly type: 'hashed';
      readonly request: PasswordRequest;
      /** Undefined for a registration. */
      readonly asking: Asking | undefined;
      readonly outcome: HashOutcome<string>;
    }
  | {
      readonly type: 'stored';
      readonly request: PasswordRequest;
      /** Undefined for a registration. */
      readonly asking: Asking | undefined;
      readonly outcome: StoreOutcome;
    };

interface State {
  /** Names being registered, and guests' names with the shard they are on. */
  readonly reserved: Map<string, object | 'registering'>;
  /** Accounts whose password is being changed. */
  readonly changing: Set<string>;
  readonly throttle: LoginThrottle;
}

export interface AuthParts {
  readonly store: AccountStore;
  readonly tokens: Tokens;
  readonly pool: HashPool;
  readonly sessions: Sessions;
  readonly steady: SteadyClock;
  /** Whether guests are allowed. */
  readonly guests: boolean;
}

export function auth({ store, tokens, pool, sessions, steady, guests }: AuthParts): Behavior<State, AuthMsg> {
  return {
    init: () => ({ reserved: new Map(), changing: new Set(), throttle: new LoginThrottle() }),
    receive(state, msg, self) {
      switch (msg.type) {
        case 'register':
          register(state, msg, self);
          break;
        case 'login':
          verify(state, msg, undefined, self);
          break;
        case 'change':
          verify(state, msg, msg, self);
          break;
        case 'resume':
          msg.reply(resume(msg.user, msg.token));
          break;
        case 'end':
          msg.reply(end(msg.user, msg.token));
          break;
        case 'tick':
          steady.check();
          if (tokens.sweep(steady.settled())) setTimeout(() => self.tell(msg), SWEEP_PAUSE_MS);
          break;
        case 'claim':
          msg.reply(claim(state, msg.user, msg.owner));
          break;
        case 'release':
          if (state.reserved.get(foldName(msg.user)) === msg.owner) state.reserved.delete(foldName(msg.user));
          break;
        case 'owner_gone':
          for (const [name, owner] of state.reserved) if (owner === msg.owner) state.reserved.delete(name);
          break;
        case 'verified':
          verified(state, msg, self);
          break;
        case 'hashed':
          hashed(state, msg, self);
          break;
        case 'stored':
          stored(state, msg);
          break;
        default:
          return msg satisfies never;
      }
      return state;
    },
  };

  /**
   * Reserves the name before hashing, so that of two simultaneous requests for a name exactly one continues. Requests
   * for taken names are throttled like password guesses, because the answer reveals which names exist.
   */
  function register(state: State, request: PasswordRequest, self: ActorRef<AuthMsg>): void {
    if (isThrottled(state, request)) return;
    const name = foldName(request.user);
    if (store.find(request.user) !== undefined || state.reserved.has(name)) {
      state.throttle.failed(request.address, performance.now());
      request.reply({ type: 'refused', code: 'name_taken' });
      return;
    }
    state.reserved.set(name, 'registering');
    hash(request, request.password, undefined, self);
  }

  function hash(
    request: PasswordRequest,
    password: string,
    asking: Asking | undefined,
    self: ActorRef<AuthMsg>,
  ): void {
    void pool.hash(password).then((outcome) => self.tell({ type: 'hashed', request, asking, outcome }));
  }

  /** Refuses an address with too many failures. Returns true if it did. */
  function isThrottled(state: State, { address, reply }: PasswordRequest): boolean {
    const isBlocked = state.throttle.isBlocked(address, performance.now());
    if (isBlocked) reply({ type: 'refused', code: 'too_many_attempts' });
    return isBlocked;
  }

  /** Does the same work for a name that does not exist, so that the time it takes does not reveal which names do. */
  function verify(
    state: State,
    request: PasswordRequest,
    change: PasswordChange | undefined,
    self: ActorRef<AuthMsg>,
  ): void {
    if (isThrottled(state, request)) return;
    const hash = store.find(request.user)?.hash;
    void pool
      .verify(request.password, hash ?? pool.dummy)
      .then((outcome) => self.tell({ type: 'verified', request, hash, change, outcome }));
  }

  /** A token is valid only for the password it was issued under, even if revoking it failed. */
  function resume(user: string, token: string): AuthAnswer {
    const hash = store.find(user)?.hash;
    if (hash === undefined) return { type: 'refused', code: 'bad_token' };
    // A clock that was just set does not reveal how old a token is.
    const now = steady.settled();
    const check = tokens.check(user, token, hash, now ?? steady.latest(), now !== undefined);
    return check === 'ok' ? accept(user, token) : { type: 'refused', code: check };
  }

  function end(user: string, token: string): AuthAnswer {
    const ended = tokens.revoke(token);
    return ended === 'ok' ? { type: 'ok', user } : { type: 'refused', code: ended };
  }

  function claim(state: State, user: string, owner: object): AuthAnswer {
    if (!guests) return { type: 'refused', code: 'guests_refused' };
    const name = foldName(user);
    if (store.find(user) !== undefined || state.reserved.has(name)) {
      return { type: 'refused', code: 'name_taken' };
    }
    state.reserved.set(name, owner);
    return { type: 'ok', user };
  }

  function verified(state: State, msg: AuthMsg & { type: 'verified' }, self: ActorRef<AuthMsg>): void {
    const { request, change, outcome } = msg;
    if (outcome.type !== 'done') {
      request.reply({ type: 'refused', code: outcome.type === 'busy' ? 'busy' : 'unavailable' });
      return;
    }
    // A password that was changed during its verification is the old one by now.
    if (!outcome.value || msg.hash === undefined || store.find(request.user)?.hash !== msg.hash) {
      state.throttle.failed(request.address, performance.now());
      request.reply({ type: 'refused', code: 'wrong_credentials' });
    } else if (change === undefined) {
      request.reply(accept(request.user, tokens.issue(request.user, msg.hash, steady.latest())));
    } else if (state.changing.has(foldName(request.user))) {
      // One change at a time: a second request that verified the old password must not undo the change in progress.
      request.reply({ type: 'refused', code: 'busy' });
    } else {
      state.changing.add(foldName(request.user));
      hash(request, change.next, change.asking, self);
    }
  }

  function hashed(state: State, msg: AuthMsg & { type: 'hashed' }, self: ActorRef<AuthMsg>): void {
    const { request, asking, outcome } = msg;
    if (outcome.type !== 'done') {
      releaseName(state, request, asking);
      request.reply({ type: 'refused', code: outcome.type === 'busy' ? 'busy' : 'unavailable' });
      return;
    }
    const account = store.find(request.user);
    const at = account === undefined ? new Date() : new Date(account.since);
    const isReplacement = asking !== undefined;
    void store
      .append({ name: account?.name ?? request.user, hash: outcome.value, at, isReplacement })
      .then((written) => self.tell({ type: 'stored', request, asking, outcome: written }));
  }

  /** A new password takes effect here, even if the requesting connection is gone; `ok` comes last. */
  function stored(state: State, { request, asking, outcome }: AuthMsg & { type: 'stored' }): void {
    releaseName(state, request, asking);
    if (outcome !== 'stored') {
      request.reply({ type: 'refused', code: outcome === 'removed' ? 'wrong_credentials' : outcome });
      return;
    }
    const answer = accept(request.user);
    if (asking === undefined || answer.type !== 'ok' || answer.record === undefined) {
      request.reply(answer);
      return;
    }
    tokens.revokeAll(request.user);
    const credential = { user: answer.user, record: answer.record };
    void sessions.passwordChanged(credential, asking).then(() => request.reply(answer));
  }

  /** The registration, or the password change, of that name has finished. */
  function releaseName(state: State, { user }: PasswordRequest, asking: Asking | undefined): void {
    if (asking === undefined) state.reserved.delete(foldName(user));
    else state.changing.delete(foldName(user));
  }

  function accept(user: string, token?: string): AuthAnswer {
    const account = store.find(user);
    return account === undefined
      ? { type: 'refused', code: 'wrong_credentials' }
      : { type: 'ok', user: account.name, record: fingerprintOf(account), token };
  }
}

/** A fingerprint of the account's password record that does not reveal the record. */
export function fingerprintOf({ hash }: Account): string {
  return digest('sha256', hash, 'base64url');
}
