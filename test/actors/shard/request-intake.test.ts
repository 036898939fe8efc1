import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { FloodGate } from '../../../src/actors/shard/rate-limiter.ts';
import { type RequestHandler, RequestIntake } from '../../../src/actors/shard/request-intake.ts';
import type { Codec } from '../../../src/dialects/dialect.ts';
import { dialect as native } from '../../../src/dialects/native/native.ts';
import { encodeFrame } from '../../../src/protocol/codec.ts';
import type { RefusalCode } from '../../../src/protocol/vocabulary.ts';
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
class Notes implements RequestHandler {
  readonly seen: string[] = [];
  isFull = false;
  wakes = 0;
  /** What handling a request of this verb waits for. */
  readonly gates = new Map<string, Promise<void>>();
  request(request: readonly unknown[] | undefined): undefined | Promise<void> {
    const verb = String(request?.[0]);
    this.seen.push(verb);
    return this.gates.get(verb);
  }
  fault(fault: RefusalCode): void {
    this.seen.push(fault);
  }
  finished(): void {
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
const frames = (...verbs: string[]): Buffer => Buffer.concat(verbs.map((verb) => encodeFrame([verb])));
let wire: QuietWire;
let notes: Notes;
let codec: Codec;

function open(commandsPerSecond = 0): RequestIntake {
  wire = new QuietWire();
  notes = new Notes();
  codec = native.open(LIMIT);
  return new RequestIntake(wire, codec, new FloodGate(commandsPerSecond, performance.now()), notes);
}

describe('a request intake', () => {
  it('has whole requests handled in order, however they are cut', () => {
    const intake = open();
    const bytes = frames('one', 'two', 'three');
    for (let i = 0; i < bytes.length; i += 1) intake.take(bytes.subarray(i, i + 1));
    intake.take(frames('four', 'five'));
    expect(notes.seen).toEqual(['one', 'two', 'three', 'four', 'five']);
    expect(wire.isPaused).toBe(false);
  });

  it('is paused while a request is being handled, and goes on behind it', async () => {
    const intake = open();
    const gate = Promise.withResolvers<void>();
    notes.gates.set('slow', gate.promise);
    const taken = intake.take(frames('slow', 'next'));
    expect([notes.seen, wire.isPaused]).toEqual([['slow'], true]);
    gate.resolve();
    await taken;
    expect([notes.seen, wire.isPaused]).toEqual([['slow', 'next'], false]);
  });

  it('handles nothing else while a request is being handled, whatever comes or wakes it', async () => {
    const intake = open();
    const gate = Promise.withResolvers<void>();
    notes.gates.set('slow', gate.promise);
    const taken = intake.take(frames('slow', 'next'));
    intake.take(frames('last'));
    intake.wakeIfPaused();
    intake.goOn();
    expect([notes.seen, wire.isPaused]).toEqual([['slow'], true]);
    gate.resolve();
    await taken;
    expect([notes.seen, wire.isPaused]).toEqual([['slow', 'next', 'last'], false]);
  });

  it('is paused while it is held back, asks once to be woken, and goes on', () => {
    const intake = open();
    notes.isFull = true;
    intake.take(frames('a', 'b'));
    expect([notes.seen, wire.isPaused, notes.wakes]).toEqual([[], true, 0]);
    for (let i = 0; i < 1_000; i += 1) intake.wakeIfPaused();
    expect(notes.wakes).toBe(1);
    intake.goOn();
    expect([notes.seen, wire.isPaused]).toEqual([[], true]);
    notes.isFull = false;
    intake.wakeIfPaused();
    intake.wakeIfPaused();
    expect(notes.wakes).toBe(2);
    intake.goOn();
    expect([notes.seen, wire.isPaused]).toEqual([['a', 'b'], false]);
    intake.wakeIfPaused();
    expect(notes.wakes).toBe(2);
  });

  it('asks at most once to be woken while a request is being handled', async () => {
    const intake = open();
    const gate = Promise.withResolvers<void>();
    notes.gates.set('slow', gate.promise);
    const taken = intake.take(frames('slow'));
    for (let i = 0; i < 1_000; i += 1) intake.wakeIfPaused();
    gate.resolve();
    await taken;
    expect(notes.wakes).toBe(1);
  });

  it('says that the peer has ended when all that it sent has been handled, not before', async () => {
    const intake = open();
    notes.isFull = true;
    intake.take(frames('a', 'slow', 'b'));
    intake.end();
    expect(notes.seen).toEqual([]);
    notes.isFull = false;
    const gate = Promise.withResolvers<void>();
    notes.gates.set('slow', gate.promise);
    const gone = intake.goOn();
    expect(notes.seen).toEqual(['a', 'slow']);
    gate.resolve();
    await gone;
    expect(notes.seen).toEqual(['a', 'slow', 'b', 'ended']);
  });

  it('says at once that the peer has ended when nothing waits', () => {
    const intake = open();
    intake.take(frames('a').subarray(0, 5));
    intake.end();
    expect(notes.seen).toEqual(['ended']);
  });

  it('stops at a header that cannot be right', () => {
    const intake = open();
    intake.take(Buffer.concat([frames('a'), Buffer.from('garbage!'), frames('b')]));
    expect(notes.seen).toEqual(['a', 'bad_frame']);
  });

  it('takes larger requests as soon as the limit is raised', () => {
    const intake = open();
    codec.limit = 200;
    intake.take(frames('x'.repeat(150)));
    codec.limit = LIMIT;
    intake.take(frames('x'.repeat(150)));
    expect(notes.seen).toEqual(['x'.repeat(150), 'frame_too_large']);
  });

  it('once shut handles nothing, asks for nothing, and leaves the wire alone', async () => {
    const intake = open();
    const gate = Promise.withResolvers<void>();
    notes.gates.set('slow', gate.promise);
    const taken = intake.take(frames('slow', 'next'));
    intake.shut();
    gate.resolve();
    await taken;
    // As when the connection says goodbye: then the wire reads again, so that the end of the peer is seen.
    wire.resume();
    intake.take(frames('late'));
    intake.end();
    intake.wakeIfPaused();
    intake.goOn();
    expect([notes.seen, wire.isPaused, notes.wakes]).toEqual([['slow'], false, 0]);
  });

  it('once shut keeps nothing of what still comes', async () => {
    const intake = open();
    intake.shut();
    const late = (): WeakRef<object> => {
      const bytes = frames('late');
      intake.take(bytes);
      return new WeakRef(bytes);
    };
    expect(await countHeld([late()])).toBe(0);
    intake.end();
    expect(notes.seen).toEqual([]);
  });
});

describe('a request intake with a flood', () => {
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
    const intake = open(RATE);
    intake.take(many);
    expect([notes.seen.length, wire.isPaused]).toEqual([BURST, true]);
    for (let i = 0; i < 100; i += 1) {
      intake.goOn();
      intake.take(Buffer.alloc(0));
    }
    expect([notes.seen.length, vi.getTimerCount()]).toEqual([BURST, 1]);
    for (let i = 1; i <= 10; i += 1) {
      vi.advanceTimersByTime(1_000 / RATE);
      expect(notes.wakes).toBe(i);
      intake.wakeIfPaused();
      expect(notes.wakes).toBe(i);
      intake.goOn();
      expect(notes.seen.length).toBe(BURST + i);
    }
    // The next command would have to wait, but there is none.
    vi.advanceTimersByTime(1_000);
    intake.goOn();
    expect([wire.isPaused, vi.getTimerCount()]).toEqual([false, 0]);
  });

  it('once shut has no timer', () => {
    const intake = open(RATE);
    intake.take(many);
    intake.shut();
    expect(vi.getTimerCount()).toBe(0);
    vi.advanceTimersByTime(10_000);
    expect(notes.wakes).toBe(0);
  });
});
