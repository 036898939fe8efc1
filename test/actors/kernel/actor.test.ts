import { describe, expect, it } from 'vitest';
import {
  type ActorRef,
  ask,
  type Behavior,
  type ExitReason,
  type Reply,
  spawn,
  stop,
} from '../../../src/actors/kernel/actor.ts';
import { countHeld } from '../../support/garbage.ts';

type Msg =
  | { readonly type: 'add'; readonly n: number }
  | { readonly type: 'slow'; readonly until: Promise<void>; readonly n: number }
  | { readonly type: 'get'; readonly reply: Reply<number[]> }
  | { readonly type: 'throw'; readonly later: boolean }
  | { readonly type: 'stop' };

/** Collects the numbers it is sent, in order. */
function collector(ended: (reason: ExitReason) => void = () => {}): Behavior<number[], Msg> {
  return {
    init: () => [],
    receive(state, msg) {
      switch (msg.type) {
        case 'add':
          return [...state, msg.n];
        case 'slow':
          return msg.until.then(() => [...state, msg.n]);
        case 'get':
          msg.reply(state);
          return state;
        case 'throw':
          if (msg.later) return Promise.reject(new Error('boom'));
          throw new Error('boom');
        case 'stop':
          return stop();
        default:
          return msg satisfies never;
      }
    },
    stopped: (_, reason) => ended(reason),
  };
}

const getting = (reply: Reply<number[]>): Msg => ({ type: 'get', reply });
const get = (ref: ActorRef<Msg>): Promise<unknown> => ask(ref, getting, 5_000);

describe('an actor', () => {
  it('handles messages one at a time, in order, even while an asynchronous handler is running', async () => {
    const ref = spawn('c', collector());
    const gate = Promise.withResolvers<void>();
    ref.tell({ type: 'add', n: 1 });
    ref.tell({ type: 'slow', until: gate.promise, n: 2 });
    for (let n = 3; n <= 5_000; n += 1) ref.tell({ type: 'add', n });
    setImmediate(gate.resolve);
    expect(await get(ref)).toEqual({
      type: 'answered',
      value: Array.from({ length: 5_000 }, (_, i) => i + 1),
    });
  });

  it('keeps messages that arrive during an asynchronous start', async () => {
    const gate = Promise.withResolvers<number[]>();
    const ref = spawn('c', { ...collector(), init: () => gate.promise });
    ref.tell({ type: 'add', n: 2 });
    gate.resolve([1]);
    expect(await get(ref)).toEqual({ type: 'answered', value: [1, 2] });
  });

  it('refuses messages when its mailbox is full, and keeps those it has', async () => {
    const ref = spawn('c', collector(), 3);
    const taken = [1, 2, 3, 4, 5].map((n) => ref.tell({ type: 'add', n }));
    expect(taken).toEqual([true, true, true, false, false]);
    await new Promise(setImmediate);
    expect(await get(ref)).toEqual({ type: 'answered', value: [1, 2, 3] });
  });

  it.each([false, true])('ends alone when its handler throws (later: %s)', async (later) => {
    const ended: ExitReason[] = [];
    const ref = spawn(
      'c',
      collector((reason) => ended.push(reason)),
    );
    const other = spawn('d', collector());
    ref.tell({ type: 'throw', later });
    ref.tell({ type: 'add', n: 1 });
    other.tell({ type: 'add', n: 1 });
    expect(await ref.exited).toEqual({ type: 'failed', error: new Error('boom') });
    expect(ended).toHaveLength(1);
    expect(ref.tell({ type: 'add', n: 2 })).toBe(false);
    expect(await get(other)).toEqual({ type: 'answered', value: [1] });
  });

  it('ends when its handler returns stop(), or when it is stopped, and says so once', async () => {
    const ended: ExitReason[] = [];
    const ref = spawn(
      'c',
      collector((reason) => ended.push(reason)),
    );
    ref.tell({ type: 'stop' });
    expect(await ref.exited).toEqual({ type: 'normal' });
    const other = spawn(
      'c',
      collector((reason) => ended.push(reason)),
    );
    other.stop();
    other.stop();
    expect(await other.exited).toEqual({ type: 'killed' });
    expect(ended).toEqual([{ type: 'normal' }, { type: 'killed' }]);
  });

  it('fails to start with a reason', async () => {
    const ref = spawn('c', { ...collector(), init: () => Promise.reject(new Error('no disk')) });
    expect(await ref.exited).toEqual({ type: 'failed', error: new Error('no disk') });
  });

  it('does not starve timers, however busy it is', async () => {
    const flood: Behavior<number, 'again'> = {
      init: (self) => {
        self.tell('again');
        return 0;
      },
      receive: (state, _, self) => {
        self.tell('again');
        return state + 1;
      },
    };
    const ref = spawn('flood', flood);
    await new Promise((resolve) => setTimeout(resolve, 5));
    ref.stop();
    expect(await ref.exited).toEqual({ type: 'killed' });
  });
});

describe('ask', () => {
  it('times out without an answer', async () => {
    const ref = spawn('c', collector());
    ref.tell({ type: 'slow', until: new Promise(() => {}), n: 1 });
    expect(await ask(ref, getting, 10)).toEqual({
      type: 'timed_out',
    });
  });

  it('is gone when the actor has ended, ends meanwhile, or has a full mailbox', async () => {
    const ref = spawn('c', collector(), 1);
    ref.tell({ type: 'slow', until: new Promise(() => {}), n: 1 });
    expect(await get(ref)).toEqual({ type: 'gone' });
    await new Promise(setImmediate);
    const waiting = get(ref);
    ref.stop();
    expect(await waiting).toEqual({ type: 'gone' });
    expect(await get(ref)).toEqual({ type: 'gone' });
  });

  it('leaves nothing behind at the actor, however it ends', async () => {
    const ref = spawn('c', collector());
    const refs: Array<WeakRef<object>> = [];
    /** The closure that makes the question may hold a secret, such as a password. */
    const question = (): ((reply: Reply<number[]>) => Msg) => {
      const build = (reply: Reply<number[]>): Msg => getting(reply);
      refs.push(new WeakRef(build));
      return build;
    };
    for (let i = 0; i < 100; i += 1) await ask(ref, question(), 60_000);
    const gate = Promise.withResolvers<void>();
    ref.tell({ type: 'slow', until: gate.promise, n: 1 });
    for (let i = 0; i < 10; i += 1) expect(await ask(ref, question(), 1)).toEqual({ type: 'timed_out' });
    gate.resolve();
    expect(await get(ref)).toEqual({ type: 'answered', value: [1] });
    expect(refs).toHaveLength(110);
    expect(await countHeld(refs)).toBe(0);
    expect(ref.tell({ type: 'stop' })).toBe(true);
  });
});

describe('watching an actor', () => {
  it('reports once how it ended, immediately if it has ended, and not after it was cancelled', async () => {
    const ref = spawn('c', collector());
    const told: string[] = [];
    ref.watch((reason) => told.push(`first ${reason.type}`));
    const unwatch = ref.watch(() => told.push('taken back'));
    unwatch();
    ref.stop();
    ref.stop();
    ref.watch((reason) => told.push(`late ${reason.type}`));
    expect(told).toEqual(['first killed', 'late killed']);
    expect(await ref.exited).toEqual({ type: 'killed' });
  });
});
