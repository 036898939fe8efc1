/**
 * Actors within one thread: private state, a bounded mailbox, one message at a time.
 *
 * A handler returns the next state, or `stop()`. A handler that throws ends only its own actor. A handler may be
 * asynchronous; later messages wait for it.
 */

import { Mailbox } from './mailbox.ts';

export type ExitReason =
  | { readonly type: 'normal' }
  | { readonly type: 'failed'; readonly error: Error }
  | { readonly type: 'killed' };

/** The outcome of every wait for another actor or thread. */
export type Outcome<T> =
  | { readonly type: 'answered'; readonly value: T }
  | { readonly type: 'timed_out' }
  | { readonly type: 'gone' };

export interface ActorRef<Msg> {
  readonly name: string;
  /** Never blocks. False if the mailbox is full or the actor has ended; the message is then not accepted. */
  tell(msg: Msg): boolean;
  /** Ends the actor without handling the messages left in its mailbox. */
  stop(): void;
  readonly exited: Promise<ExitReason>;
  /**
   * Calls `ended` once when the actor has ended; immediately if it already has. Returns a function that cancels this.
   */
  watch(ended: (reason: ExitReason) => void): () => void;
}

/** The callback for an answer. Never leaves its thread. */
export type Reply<T> = (value: T) => void;

const STOP = Symbol('stop');
export type Next<State> = State | typeof STOP;

/** Returned by a handler to end its actor normally. */
export function stop(): typeof STOP {
  return STOP;
}

function isStop<State>(next: Next<State>): next is typeof STOP {
  return next === STOP;
}

export interface Behavior<State, Msg> {
  init(self: ActorRef<Msg>): State | Promise<State>;
  receive(state: State, msg: Msg, self: ActorRef<Msg>): Next<State> | Promise<Next<State>>;
  /** Called once, however the actor ends, if `init` succeeded. */
  stopped?(state: State, reason: ExitReason): void;
}

const DEFAULT_MAILBOX = 10_000;
/** Messages handled before sockets and timers get a turn: microtasks alone would starve them. */
const BUDGET = 2_000;

export function spawn<State, Msg>(
  name: string,
  behavior: Behavior<State, Msg>,
  mailboxLimit: number = DEFAULT_MAILBOX,
): ActorRef<Msg> {
  const actor = new Actor(name, behavior, mailboxLimit);
  actor.start();
  return actor;
}

/**
 * Sends the message that `build` makes around a reply callback, and waits for the answer. `gone`: the actor has ended,
 * or did not accept the message. Never rejects.
 */
export function ask<Msg, T>(
  ref: ActorRef<Msg>,
  build: (reply: Reply<T>) => Msg,
  timeoutMs: number,
): Promise<Outcome<T>> {
  return new Promise((resolve) => {
    const settle = (outcome: Outcome<T>): void => {
      clearTimeout(deadline);
      unwatch();
      resolve(outcome);
    };
    const deadline = setTimeout(() => settle({ type: 'timed_out' }), timeoutMs);
    // Cancelled when settled: a long-lived actor must not keep every question it was ever asked alive.
    const unwatch = ref.watch(() => {
      clearTimeout(deadline);
      resolve({ type: 'gone' });
    });
    if (!ref.tell(build((value) => settle({ type: 'answered', value })))) settle({ type: 'gone' });
  });
}

interface Runnable {
  /** Handles up to `budget` messages; returns how many. */
  run(budget: number): number;
}

const ready: Runnable[] = [];
let draining = false;

function schedule(actor: Runnable): void {
  ready.push(actor);
  if (draining) return;
  draining = true;
  queueMicrotask(drain);
}

function drain(): void {
  let budget = BUDGET;
  let next = 0;
  while (next < ready.length && budget > 0) {
    budget -= ready[next]?.run(budget) ?? 0;
    next += 1;
  }
  ready.splice(0, next);
  if (ready.length > 0) {
    setImmediate(drain);
  } else {
    draining = false;
  }
}

type Phase<State> =
  | { readonly type: 'starting' }
  | { readonly type: 'running'; state: State }
  | { readonly type: 'ended'; readonly reason: ExitReason };

class Actor<State, Msg> implements ActorRef<Msg>, Runnable {
  readonly name: string;
  readonly #behavior: Behavior<State, Msg>;
  readonly #mailbox: Mailbox<Msg>;
  #phase: Phase<State> = { type: 'starting' };
  /**
   * True while in the run queue, or while an asynchronous handler is running, so that only one of them happens at a
   * time.
   */
  #busy = true;
  /** Created on first use, because most of the many actors have no watchers. */
  #watchers: Set<(reason: ExitReason) => void> | undefined;

  constructor(name: string, behavior: Behavior<State, Msg>, mailboxLimit: number) {
    this.name = name;
    this.#behavior = behavior;
    this.#mailbox = new Mailbox(mailboxLimit);
  }

  get exited(): Promise<ExitReason> {
    return new Promise((resolve) => this.watch(resolve));
  }

  watch(ended: (reason: ExitReason) => void): () => void {
    if (this.#phase.type === 'ended') ended(this.#phase.reason);
    else {
      this.#watchers ??= new Set();
      this.#watchers.add(ended);
    }
    return () => this.#watchers?.delete(ended);
  }

  start(): void {
    try {
      const state = this.#behavior.init(this);
      if (state instanceof Promise)
        state.then(
          (s) => this.#running(s),
          (error) => this.#fail(error),
        );
      else this.#running(state);
    } catch (error) {
      this.#fail(error);
    }
  }

  tell(msg: Msg): boolean {
    if (this.#phase.type === 'ended' || !this.#mailbox.put(msg)) return false;
    this.#wake();
    return true;
  }

  stop(): void {
    this.#end({ type: 'killed' });
  }

  run(budget: number): number {
    this.#busy = false;
    let handled = 0;
    while (handled < budget && this.#phase.type === 'running') {
      const msg = this.#mailbox.take();
      if (msg === undefined) return handled;
      handled += 1;
      try {
        const next = this.#behavior.receive(this.#phase.state, msg, this);
        if (next instanceof Promise) {
          this.#busy = true;
          next.then(
            (n) => this.#resume(n),
            (error) => this.#fail(error),
          );
          return handled;
        }
        this.#proceed(next);
      } catch (error) {
        this.#fail(error);
      }
    }
    this.#wake();
    return handled;
  }

  #running(state: State): void {
    if (this.#phase.type === 'ended') {
      this.#behavior.stopped?.(state, this.#phase.reason);
      return;
    }
    this.#phase = { type: 'running', state };
    this.#busy = false;
    this.#wake();
  }

  #resume(next: Next<State>): void {
    this.#busy = false;
    this.#proceed(next);
    this.#wake();
  }

  #proceed(next: Next<State>): void {
    if (this.#phase.type !== 'running') return;
    if (isStop(next)) this.#end({ type: 'normal' });
    else this.#phase.state = next;
  }

  #wake(): void {
    if (this.#busy || this.#phase.type !== 'running' || this.#mailbox.size === 0) return;
    this.#busy = true;
    schedule(this);
  }

  #fail(cause: unknown): void {
    this.#end({ type: 'failed', error: cause instanceof Error ? cause : new Error(String(cause)) });
  }

  #end(reason: ExitReason): void {
    if (this.#phase.type === 'ended') return;
    const last = this.#phase;
    this.#phase = { type: 'ended', reason };
    this.#mailbox.clear();
    if (last.type === 'running') this.#behavior.stopped?.(last.state, reason);
    for (const ended of this.#watchers ?? []) ended(reason);
    this.#watchers = undefined;
  }
}
