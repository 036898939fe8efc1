import { describe, expect, it } from 'vitest';
import type { ExitReason } from '../../../src/actors/kernel/actor.ts';
import {
  type Child,
  type ChildSpec,
  type ChildStart,
  type SupervisorEvent,
  supervise,
} from '../../../src/actors/kernel/supervisor.ts';
import { until } from '../../support/process.ts';

const POLICY = { restarts: 2, withinMs: 300, backOffMs: 1 };

/** A child that lives until told otherwise. `fails`: which of its starts fail. */
class FakeChild implements ChildSpec {
  readonly name: string;
  readonly restart = POLICY;
  readonly #fails: (start: number) => boolean;
  starts = 0;
  isUp = false;
  #end: ((reason: ExitReason) => void) | undefined;
  readonly #stuck = Promise.withResolvers<Error>();

  constructor(name: string, fails: (start: number) => boolean = () => false) {
    this.name = name;
    this.#fails = fails;
  }

  async start(): Promise<ChildStart> {
    this.starts += 1;
    if (this.#fails(this.starts)) return { type: 'failed', error: new Error(`${this.name} cannot start`) };
    this.isUp = true;
    const exited = new Promise<ExitReason>((resolve) => {
      this.#end = (reason) => {
        this.isUp = false;
        resolve(reason);
      };
    });
    const child: Child = {
      exited,
      stuck: this.#stuck.promise,
      kill: async () => this.die(),
    };
    return { type: 'started', child };
  }

  die(error = new Error('crash')): void {
    this.#end?.({ type: 'failed', error });
  }

  stick(): void {
    this.#stuck.resolve(new Error(`${this.name} cannot be ended`));
  }
}

async function start(specs: ChildSpec[], events: SupervisorEvent[] = []) {
  const supervised = await supervise(specs, (event) => events.push(event));
  if (supervised.type === 'failed') throw supervised.error;
  return supervised.supervisor;
}

describe('a supervisor', () => {
  it('restarts a child that died, and only that one', async () => {
    const [a, b] = [new FakeChild('a'), new FakeChild('b')];
    const events: SupervisorEvent[] = [];
    const supervisor = await start([a, b], events);
    a.die();
    await until('the restart', () => a.starts === 2 && a.isUp);
    expect(b.starts).toBe(1);
    expect(events.map((event) => `${event.type} ${event.child}`)).toEqual(['exited a', 'restarted a']);
    b.die();
    await until('the restart', () => b.starts === 2);
    await supervisor.stop();
  });

  it('gives up on a child that dies too often, and says why', async () => {
    const a = new FakeChild('a');
    const supervisor = await start([a]);
    for (let death = 1; death <= 3; death += 1) {
      await until('the child to be up', () => a.isUp);
      a.die(new Error(`crash ${death}`));
    }
    expect((await supervisor.gaveUp).message).toBe('crash 3');
    expect(a.starts).toBe(3);
  });

  it('continues as long as deaths are far enough apart', async () => {
    const a = new FakeChild('a');
    const supervisor = await start([a]);
    for (let death = 1; death <= 5; death += 1) {
      await until('the child to be up', () => a.isUp && a.starts === death);
      await new Promise((resolve) => setTimeout(resolve, POLICY.withinMs / 2 + 10));
      a.die();
    }
    await until('the child to be up', () => a.starts === 6 && a.isUp);
    await supervisor.stop();
  });

  it('counts a failed restart as a death', async () => {
    const a = new FakeChild('a', (n) => n > 1);
    const supervisor = await start([a]);
    a.die();
    expect((await supervisor.gaveUp).message).toBe('a cannot start');
  });

  it('gives up on a child that cannot be terminated, because nothing may replace it', async () => {
    const a = new FakeChild('a');
    const events: SupervisorEvent[] = [];
    const supervisor = await start([a], events);
    a.stick();
    expect((await supervisor.gaveUp).message).toBe('a cannot be ended');
    expect([a.starts, events.map((event) => event.type)]).toEqual([1, ['gave_up']]);
    await supervisor.stop();
  });

  it('does not restart a child that never became ready, and ends all others', async () => {
    const [a, b] = [new FakeChild('a'), new FakeChild('b', () => true)];
    const supervised = await supervise([a, b], () => {});
    expect(supervised).toEqual({ type: 'failed', child: 'b', error: new Error('b cannot start') });
    expect([a.isUp, a.starts, b.starts]).toEqual([false, 1, 1]);
  });

  it('restarts nothing once it is stopping', async () => {
    const [a, b] = [new FakeChild('a'), new FakeChild('b')];
    const events: SupervisorEvent[] = [];
    const supervisor = await start([a, b], events);
    await supervisor.stop();
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect([a.isUp, b.isUp, a.starts, b.starts, events]).toEqual([false, false, 1, 1, []]);
  });
});
