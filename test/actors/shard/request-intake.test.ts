import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { TokenBucket } from '../../../src/actors/shard/rate-limiter.ts';
import { type RequestHandler, RequestIntake } from '../../../src/actors/shard/request-intake.ts';
import type { Codec } from '../../../src/dialects/dialect.ts';
import { dialect as native } from '../../../src/dialects/native/native.ts';
import { encodeFrame } from '../../../src/protocol/codec.ts';
import type { RefusalCode } from '../../../src/protocol/vocabulary.ts';
import { countHeld } from '../../support/garbage.ts';
import { TestWire } from '../../support/test-wire.ts';

/** Records the calls it receives. */
class RecordingHandler implements RequestHandler {
  readonly seen: string[] = [];
  isSaturated = false;
  wakes = 0;
  /** By verb: the promise that handling a request returns. */
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
  mustPause(): boolean {
    return this.isSaturated;
  }
  wake(): void {
    this.wakes += 1;
  }
}

const LIMIT = 100;
const frames = (...verbs: string[]): Buffer => Buffer.concat(verbs.map((verb) => encodeFrame([verb])));
let wire: TestWire;
let handler: RecordingHandler;
let codec: Codec;

function open(commandsPerSecond = 0): RequestIntake {
  wire = new TestWire();
  handler = new RecordingHandler();
  codec = native.open(LIMIT);
  return new RequestIntake(wire, codec, new TokenBucket(commandsPerSecond, performance.now()), handler);
}

describe('a request intake', () => {
  it('passes on whole requests in order, however the bytes are cut', () => {
    const intake = open();
    const bytes = frames('one', 'two', 'three');
    for (let i = 0; i < bytes.length; i += 1) intake.take(bytes.subarray(i, i + 1));
    intake.take(frames('four', 'five'));
    expect(handler.seen).toEqual(['one', 'two', 'three', 'four', 'five']);
    expect(wire.isPaused).toBe(false);
  });

  it('pauses while a request is being handled, and continues after it', async () => {
    const intake = open();
    const gate = Promise.withResolvers<void>();
    handler.gates.set('slow', gate.promise);
    const taken = intake.take(frames('slow', 'next'));
    expect([handler.seen, wire.isPaused]).toEqual([['slow'], true]);
    gate.resolve();
    await taken;
    expect([handler.seen, wire.isPaused]).toEqual([['slow', 'next'], false]);
  });

  it('handles nothing else while a request is being handled, even if bytes arrive or it is woken', async () => {
    const intake = open();
    const gate = Promise.withResolvers<void>();
    handler.gates.set('slow', gate.promise);
    const taken = intake.take(frames('slow', 'next'));
    intake.take(frames('last'));
    intake.wakeIfPaused();
    intake.resumeReading();
    expect([handler.seen, wire.isPaused]).toEqual([['slow'], true]);
    gate.resolve();
    await taken;
    expect([handler.seen, wire.isPaused]).toEqual([['slow', 'next', 'last'], false]);
  });

  it('pauses while its handler says so, asks once to be woken, and continues', () => {
    const intake = open();
    handler.isSaturated = true;
    intake.take(frames('a', 'b'));
    expect([handler.seen, wire.isPaused, handler.wakes]).toEqual([[], true, 0]);
    for (let i = 0; i < 1_000; i += 1) intake.wakeIfPaused();
    expect(handler.wakes).toBe(1);
    intake.resumeReading();
    expect([handler.seen, wire.isPaused]).toEqual([[], true]);
    handler.isSaturated = false;
    intake.wakeIfPaused();
    intake.wakeIfPaused();
    expect(handler.wakes).toBe(2);
    intake.resumeReading();
    expect([handler.seen, wire.isPaused]).toEqual([['a', 'b'], false]);
    intake.wakeIfPaused();
    expect(handler.wakes).toBe(2);
  });

  it('asks at most once to be woken while a request is being handled', async () => {
    const intake = open();
    const gate = Promise.withResolvers<void>();
    handler.gates.set('slow', gate.promise);
    const taken = intake.take(frames('slow'));
    for (let i = 0; i < 1_000; i += 1) intake.wakeIfPaused();
    gate.resolve();
    await taken;
    expect(handler.wakes).toBe(1);
  });

  it('reports the end of the stream only after every request has been handled', async () => {
    const intake = open();
    handler.isSaturated = true;
    intake.take(frames('a', 'slow', 'b'));
    intake.end();
    expect(handler.seen).toEqual([]);
    handler.isSaturated = false;
    const gate = Promise.withResolvers<void>();
    handler.gates.set('slow', gate.promise);
    const gone = intake.resumeReading();
    expect(handler.seen).toEqual(['a', 'slow']);
    gate.resolve();
    await gone;
    expect(handler.seen).toEqual(['a', 'slow', 'b', 'ended']);
  });

  it('reports the end of the stream immediately if no request is waiting', () => {
    const intake = open();
    intake.take(frames('a').subarray(0, 5));
    intake.end();
    expect(handler.seen).toEqual(['ended']);
  });

  it('stops at an invalid header', () => {
    const intake = open();
    intake.take(Buffer.concat([frames('a'), Buffer.from('garbage!'), frames('b')]));
    expect(handler.seen).toEqual(['a', 'bad_frame']);
  });

  it('accepts larger requests as soon as the limit is raised', () => {
    const intake = open();
    codec.limit = 200;
    intake.take(frames('x'.repeat(150)));
    codec.limit = LIMIT;
    intake.take(frames('x'.repeat(150)));
    expect(handler.seen).toEqual(['x'.repeat(150), 'frame_too_large']);
  });

  it('after close handles nothing, asks for nothing, and does not touch the wire', async () => {
    const intake = open();
    const gate = Promise.withResolvers<void>();
    handler.gates.set('slow', gate.promise);
    const taken = intake.take(frames('slow', 'next'));
    intake.close();
    gate.resolve();
    await taken;
    // Ending a connection resumes its wire, so that it notices when the client closes.
    wire.resume();
    intake.take(frames('late'));
    intake.end();
    intake.wakeIfPaused();
    intake.resumeReading();
    expect([handler.seen, wire.isPaused, handler.wakes]).toEqual([['slow'], false, 0]);
  });

  it('after close does not retain further input', async () => {
    const intake = open();
    intake.close();
    const late = (): WeakRef<object> => {
      const bytes = frames('late');
      intake.take(bytes);
      return new WeakRef(bytes);
    };
    expect(await countHeld([late()])).toBe(0);
    intake.end();
    expect(handler.seen).toEqual([]);
  });
});

describe('a request intake with a rate limit', () => {
  const RATE = 10;
  const BURST = 5 * RATE;
  const many = frames(...Array.from({ length: BURST + 10 }, (_, i) => `${i}`));

  beforeEach(() => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] });
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  it('handles the burst at once and the rest at the permitted rate, with one timer and one wake at a time', () => {
    const intake = open(RATE);
    intake.take(many);
    expect([handler.seen.length, wire.isPaused]).toEqual([BURST, true]);
    for (let i = 0; i < 100; i += 1) {
      intake.resumeReading();
      intake.take(Buffer.alloc(0));
    }
    expect([handler.seen.length, vi.getTimerCount()]).toEqual([BURST, 1]);
    for (let i = 1; i <= 10; i += 1) {
      vi.advanceTimersByTime(1_000 / RATE);
      expect(handler.wakes).toBe(i);
      intake.wakeIfPaused();
      expect(handler.wakes).toBe(i);
      intake.resumeReading();
      expect(handler.seen.length).toBe(BURST + i);
    }
    // The next command would have to wait, but there is none.
    vi.advanceTimersByTime(1_000);
    intake.resumeReading();
    expect([wire.isPaused, vi.getTimerCount()]).toEqual([false, 0]);
  });

  it('after close has no timer', () => {
    const intake = open(RATE);
    intake.take(many);
    intake.close();
    expect(vi.getTimerCount()).toBe(0);
    vi.advanceTimersByTime(10_000);
    expect(handler.wakes).toBe(0);
  });
});
