import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Inlet, type InletHandler } from '../../../src/actors/shard/frame-intake.ts';
import { FloodGate } from '../../../src/actors/shard/rate-limiter.ts';
import { frameBody, type HeaderFault } from '../../../src/protocol/frame.ts';
import type { Wire } from '../../../src/transport/tcp.ts';
import { countHeld } from '../../support/garbage.ts';

/** A wire without a network, that knows whether it is read. */
class QuietWire implements Wire {
  drained = () => Promise.resolve(true);
  readonly address = 'nowhere';
  readonly buffered = 0;
  isPaused = false;
  write(): void {}
  pause(): void {
    this.isPaused = true;
  }
  resume(): void {
    this.isPaused = false;
  }
  end(): void {}
  destroy(): void {}
  isAmong(): boolean {
    return false;
  }
  abandon(): void {}
}

/** Notes what it is given. */
class Notes implements InletHandler {
  readonly seen: string[] = [];
  isFull = false;
  wakes = 0;
  /** What handling a body of this text waits for. */
  readonly gates = new Map<string, Promise<unknown>>();
  body(body: Buffer): undefined | Promise<unknown> {
    this.seen.push(body.toString());
    return this.gates.get(body.toString());
  }
  fault(fault: HeaderFault): void {
    this.seen.push(fault);
  }
  ended(): void {
    this.seen.push('ended');
  }
  isHeldBack(): boolean {
    return this.isFull;
  }
  wake(): void {
    this.wakes += 1;
  }
}

const LIMIT = 100;
const frames = (...bodies: string[]): Buffer =>
  Buffer.concat(bodies.map((body) => frameBody(Buffer.from(body))));
let wire: QuietWire;
let notes: Notes;

function open(commandsPerSecond = 0): Inlet {
  wire = new QuietWire();
  notes = new Notes();
  return new Inlet(wire, LIMIT, new FloodGate(commandsPerSecond, performance.now()), notes);
}

describe('an inlet', () => {
  it('has whole bodies handled in order, however they are cut', () => {
    const inlet = open();
    const bytes = frames('one', 'two', 'three');
    for (let i = 0; i < bytes.length; i += 1) inlet.take(bytes.subarray(i, i + 1));
    inlet.take(frames('four', 'five'));
    expect(notes.seen).toEqual(['one', 'two', 'three', 'four', 'five']);
    expect(wire.isPaused).toBe(false);
  });

  it('is paused while a body is being handled, and goes on behind it', async () => {
    const inlet = open();
    const gate = Promise.withResolvers<void>();
    notes.gates.set('slow', gate.promise);
    const taken = inlet.take(frames('slow', 'next'));
    expect([notes.seen, wire.isPaused]).toEqual([['slow'], true]);
    gate.resolve();
    await taken;
    expect([notes.seen, wire.isPaused]).toEqual([['slow', 'next'], false]);
  });

  it('is paused while it is held back, asks once to be woken, and goes on', () => {
    const inlet = open();
    notes.isFull = true;
    inlet.take(frames('a', 'b'));
    expect([notes.seen, wire.isPaused, notes.wakes]).toEqual([[], true, 0]);
    for (let i = 0; i < 1_000; i += 1) inlet.wakeIfPaused();
    expect(notes.wakes).toBe(1);
    inlet.goOn();
    expect([notes.seen, wire.isPaused]).toEqual([[], true]);
    notes.isFull = false;
    inlet.wakeIfPaused();
    inlet.wakeIfPaused();
    expect(notes.wakes).toBe(2);
    inlet.goOn();
    expect([notes.seen, wire.isPaused]).toEqual([['a', 'b'], false]);
    inlet.wakeIfPaused();
    expect(notes.wakes).toBe(2);
  });

  it('asks at most once to be woken while a body is being handled', async () => {
    const inlet = open();
    const gate = Promise.withResolvers<void>();
    notes.gates.set('slow', gate.promise);
    const taken = inlet.take(frames('slow'));
    for (let i = 0; i < 1_000; i += 1) inlet.wakeIfPaused();
    gate.resolve();
    await taken;
    expect(notes.wakes).toBe(1);
  });

  it('says that the peer has ended when all that it sent has been handled, not before', async () => {
    const inlet = open();
    notes.isFull = true;
    inlet.take(frames('a', 'slow', 'b'));
    inlet.end();
    expect(notes.seen).toEqual([]);
    notes.isFull = false;
    const gate = Promise.withResolvers<void>();
    notes.gates.set('slow', gate.promise);
    const gone = inlet.goOn();
    expect(notes.seen).toEqual(['a', 'slow']);
    gate.resolve();
    await gone;
    expect(notes.seen).toEqual(['a', 'slow', 'b', 'ended']);
  });

  it('says at once that the peer has ended when nothing waits', () => {
    const inlet = open();
    inlet.take(frames('a').subarray(0, 5));
    inlet.end();
    expect(notes.seen).toEqual(['ended']);
  });

  it('stops at a header that cannot be right', () => {
    const inlet = open();
    inlet.take(Buffer.concat([frames('a'), Buffer.from('garbage!'), frames('b')]));
    expect(notes.seen).toEqual(['a', 'bad_frame']);
  });

  it('takes larger bodies as soon as the limit is raised', () => {
    const inlet = open();
    inlet.limit = 200;
    inlet.take(frames('x'.repeat(150)));
    inlet.limit = LIMIT;
    inlet.take(frames('x'.repeat(150)));
    expect(notes.seen).toEqual(['x'.repeat(150), 'frame_too_large']);
  });

  it('once shut handles nothing, asks for nothing, and leaves the wire alone', async () => {
    const inlet = open();
    const gate = Promise.withResolvers<void>();
    notes.gates.set('slow', gate.promise);
    const taken = inlet.take(frames('slow', 'next'));
    inlet.shut();
    gate.resolve();
    await taken;
    // As when the connection says goodbye: then the wire reads again, so that the end of the peer is seen.
    wire.resume();
    inlet.take(frames('late'));
    inlet.end();
    inlet.wakeIfPaused();
    inlet.goOn();
    expect([notes.seen, wire.isPaused, notes.wakes]).toEqual([['slow'], false, 0]);
  });

  it('once shut keeps nothing of what still comes', async () => {
    const inlet = open();
    inlet.shut();
    const late = (): WeakRef<object> => {
      const bytes = frames('late');
      inlet.take(bytes);
      return new WeakRef(bytes);
    };
    expect(await countHeld([late()])).toBe(0);
    inlet.end();
    expect(notes.seen).toEqual([]);
  });
});

describe('an inlet with a flood', () => {
  const RATE = 10;
  const BURST = 5 * RATE;
  const many = frames(...Array.from({ length: BURST + 10 }, (_, i) => `${i}`));

  beforeEach(() => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] });
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  it('handles the burst at once and the rest in time, with one timer and one wake at a time', () => {
    const inlet = open(RATE);
    inlet.take(many);
    expect([notes.seen.length, wire.isPaused]).toEqual([BURST, true]);
    for (let i = 0; i < 100; i += 1) {
      inlet.goOn();
      inlet.take(Buffer.alloc(0));
    }
    expect([notes.seen.length, vi.getTimerCount()]).toEqual([BURST, 1]);
    for (let i = 1; i <= 10; i += 1) {
      vi.advanceTimersByTime(1_000 / RATE);
      expect(notes.wakes).toBe(i);
      inlet.wakeIfPaused();
      expect(notes.wakes).toBe(i);
      inlet.goOn();
      expect(notes.seen.length).toBe(BURST + i);
    }
    // The next command would have to wait, but there is none.
    vi.advanceTimersByTime(1_000);
    inlet.goOn();
    expect([wire.isPaused, vi.getTimerCount()]).toEqual([false, 0]);
  });

  it('once shut has no timer', () => {
    const inlet = open(RATE);
    inlet.take(many);
    inlet.shut();
    expect(vi.getTimerCount()).toBe(0);
    vi.advanceTimersByTime(10_000);
    expect(notes.wakes).toBe(0);
  });
});
