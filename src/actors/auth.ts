/**
 * The auth actor: the only owner of the password store and of names. It never hashes on its own thread: it
 * starts a job in the pool and goes on, and the result comes back to it as a message.
 */

import { foldName } from '../chat/names.ts';
import type { AccountStore } from '../store/accounts.ts';
import type { Tokens } from '../store/tokens.ts';
import type { RefusalCode } from '../transport/protocol.ts';
import type { ActorRef, Behavior, Reply } from './actor.ts';
import { Attempts } from './attempts.ts';
import type { HashOutcome, HashPool } from './hash-pool.ts';

/** Between two parts of what expired tokens there are to remove. */
const SWEEP_PAUSE_MS = 200;

export type AuthAnswer =
  /**
   * `user`: the name as it was registered. `serial` rises from answer to answer, also over restarts. `token`: what
   * the client can come back with; after a login or resume, if it could be stored.
   */
  | {
      readonly type: 'ok';
      readonly user: string;
      readonly serial: number;
      readonly token?: string | undefined;
    }
  | { readonly type: 'refused'; readonly code: RefusalCode };

interface Credentials {
  readonly user: string;
  readonly password: string;
  /** Where the connection comes from. */
  readonly address: string;
  readonly reply: Reply<AuthAnswer>;
}

type StoreOutcome = Awaited<ReturnType<AccountStore['append']>>;

export type AuthMsg =
  | ({ readonly type: 'register' } & Credentials)
  | ({ readonly type: 'login' } & Credentials)
  | ({ readonly type: 'change'; readonly next: string } & Credentials)
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
  | { readonly type: 'tick'; readonly now: number }
  | {
      readonly type: 'verified';
      readonly of: Credentials;
      /** The hash that was verified against; undefined for a name that does not exist. */
      readonly hash: string | undefined;
      readonly next: string | null;
      readonly outcome: HashOutcome<boolean>;
    }
  | {
      readonly type: 'hashed';
      readonly of: Credentials;
      readonly isNew: boolean;
      readonly outcome: HashOutcome<string>;
    }
  | {
      readonly type: 'stored';
      readonly of: Credentials;
      readonly isNew: boolean;
      readonly outcome: StoreOutcome;
    };

interface State {
  /** Names being registered, and names of guests with the shard that they are on. */
  readonly reserved: Map<string, object | 'registering'>;
  readonly attempts: Attempts;
  serial: number;
}

export function auth(
  store: AccountStore,
  tokens: Tokens,
  pool: HashPool,
  guests: boolean,
): Behavior<State, AuthMsg> {
  return {
    init: () => ({ reserved: new Map(), attempts: new Attempts(), serial: Date.now() * 1_000 }),
    receive(state, msg, self) {
      switch (msg.type) {
        case 'register':
          register(state, msg, self);
          break;
        case 'login':
          verify(state, msg, null, self);
          break;
        case 'change':
          verify(state, msg, msg.next, self);
          break;
        case 'resume':
          msg.reply(resume(state, msg.user, msg.token));
          break;
        case 'end':
          msg.reply(end(state, msg.user, msg.token));
          break;
        case 'tick':
          if (tokens.sweep(msg.now)) setTimeout(() => self.tell(msg), SWEEP_PAUSE_MS);
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

  /** Reserves the name before hashing: of two who want it at the same moment, exactly one goes on. */
  function register(state: State, of: Credentials, self: ActorRef<AuthMsg>): void {
    const name = foldName(of.user);
    if (store.find(of.user) !== undefined || state.reserved.has(name)) {
      of.reply({ type: 'refused', code: 'name_taken' });
      return;
    }
    state.reserved.set(name, 'registering');
    hash(of, of.password, true, self);
  }

  function hash(of: Credentials, password: string, isNew: boolean, self: ActorRef<AuthMsg>): void {
    void pool.hash(password).then((outcome) => self.tell({ type: 'hashed', of, isNew, outcome }));
  }

  /** The same work for a name that does not exist: the time it takes tells nobody which names do. */
  function verify(state: State, of: Credentials, next: string | null, self: ActorRef<AuthMsg>): void {
    if (state.attempts.isBlocked(of.address, performance.now())) {
      of.reply({ type: 'refused', code: 'too_many_attempts' });
      return;
    }
    const hash = store.find(of.user)?.hash;
    void pool
      .verify(of.password, hash ?? pool.dummy)
      .then((outcome) => self.tell({ type: 'verified', of, hash, next, outcome }));
  }

  /** A token is good for the very password that it was issued under, whatever became of its end. */
  function resume(state: State, user: string, token: string): AuthAnswer {
    const hash = store.find(user)?.hash;
    const check = hash === undefined ? 'bad_token' : tokens.check(user, token, hash, Date.now());
    return check === 'ok' ? found(state, user, token) : { type: 'refused', code: check };
  }

  function end(state: State, user: string, token: string): AuthAnswer {
    const ended = tokens.end(token);
    if (ended !== 'ok') return { type: 'refused', code: ended };
    state.serial += 1;
    return { type: 'ok', user, serial: state.serial };
  }

  function claim(state: State, user: string, owner: object): AuthAnswer {
    if (!guests) return { type: 'refused', code: 'guests_refused' };
    const name = foldName(user);
    if (store.find(user) !== undefined || state.reserved.has(name)) {
      return { type: 'refused', code: 'name_taken' };
    }
    state.reserved.set(name, owner);
    state.serial += 1;
    return { type: 'ok', user, serial: state.serial };
  }

  function verified(state: State, msg: AuthMsg & { type: 'verified' }, self: ActorRef<AuthMsg>): void {
    const { of, next, outcome } = msg;
    if (outcome.type !== 'done') {
      of.reply({ type: 'refused', code: outcome.type === 'busy' ? 'busy' : 'unavailable' });
      return;
    }
    // A password that was changed while it was being verified is the old one by now.
    if (!outcome.value || msg.hash === undefined || store.find(of.user)?.hash !== msg.hash) {
      state.attempts.failed(of.address, performance.now());
      of.reply({ type: 'refused', code: 'wrong_credentials' });
    } else if (next === null) {
      of.reply(found(state, of.user, tokens.issue(of.user, msg.hash, Date.now())));
    } else {
      hash(of, next, false, self);
    }
  }

  function hashed(state: State, msg: AuthMsg & { type: 'hashed' }, self: ActorRef<AuthMsg>): void {
    const { of, isNew, outcome } = msg;
    if (outcome.type !== 'done') {
      if (isNew) state.reserved.delete(foldName(of.user));
      of.reply({ type: 'refused', code: outcome.type === 'busy' ? 'busy' : 'unavailable' });
      return;
    }
    const name = store.find(of.user)?.name ?? of.user;
    void store
      .append({ name, hash: outcome.value, at: new Date() })
      .then((written) => self.tell({ type: 'stored', of, isNew, outcome: written }));
  }

  function stored(state: State, { of, isNew, outcome }: AuthMsg & { type: 'stored' }): void {
    if (isNew) state.reserved.delete(foldName(of.user));
    else if (outcome === 'stored') tokens.endAll(of.user);
    of.reply(outcome === 'stored' ? found(state, of.user) : { type: 'refused', code: outcome });
  }

  function found(state: State, user: string, token?: string): AuthAnswer {
    state.serial += 1;
    const account = store.find(user);
    return account === undefined
      ? { type: 'refused', code: 'wrong_credentials' }
      : { type: 'ok', user: account.name, serial: state.serial, token };
  }
}
