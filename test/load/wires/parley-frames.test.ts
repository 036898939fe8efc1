/** The load test's reader and writer of the native protocol, with bytes cut anywhere. */

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type FrameReceiver, ParleyFrames } from '../../../src/load/wires/parley-frames.ts';
import { sendBytes, writeSend } from '../../../src/load/wires/parley-send.ts';
import { decodeBody, encodeFrame } from '../../../src/protocol/codec.ts';
import { HEADER_BYTES, LIMITS } from '../../../src/protocol/vocabulary.ts';

class RecordingReceiver implements FrameReceiver {
  readonly events: unknown[][] = [];

  message(bytes: Buffer, start: number, end: number, id: number): void {
    this.events.push(['message', bytes.toString('utf8', start, end), id]);
  }

  acknowledged(request: number, id: number): void {
    this.events.push(['acknowledged', request, id]);
  }

  frame(frame: readonly unknown[], size: number): void {
    this.events.push(['frame', frame, size]);
  }
}

const ID = 1_795_334_587_148_000;

function bodyBytes(frame: readonly unknown[]): number {
  return encodeFrame(frame).length - HEADER_BYTES;
}

/** Frames, each with the call that it must cause. */
const message = fc.nat(99).map((n) => ({
  frame: ['message', ID + n, ID, 'ann', '#tea', `text ${n} ${'x'.repeat(n * 3)}`],
  heard: ['message', `text ${n} ${'x'.repeat(n * 3)}`, ID + n],
}));
const stored = fc.nat(99).map((n) => ({
  frame: ['ok', 2 ** 21 + n, [ID + n, ID]],
  heard: ['acknowledged', 2 ** 21 + n, ID + n],
}));
const other = fc
  .constantFrom(
    ['live', 5],
    ['error', 7, 'busy', 'no'],
    ['message', 3, 4, 'a', 'b', 'small ids'],
    ['bye', 'x', 'y'],
  )
  .map((frame) => ({ frame, heard: ['frame', frame, bodyBytes(frame)] }));
const ignored = fc
  .constantFrom(['joined', ID, ID, '#tea', 'ben'], ['online', 'ben'], ['offline', 'ben'], ['delivered', ID])
  .map((frame) => ({ frame, heard: undefined }));

describe('frames', () => {
  it('are read from any pieces, in a buffer that is reused', () => {
    const given = fc.record({
      all: fc.array(fc.oneof(message, stored, other, ignored), { maxLength: 30 }),
      cuts: fc.infiniteStream(fc.integer({ min: 1, max: 300 })),
    });
    fc.assert(
      fc.property(given, ({ all, cuts }) => {
        const bytes = Buffer.concat(all.map(({ frame }) => encodeFrame(frame)));
        const shared = Buffer.alloc(300);
        const heard = new RecordingReceiver();
        const frames = new ParleyFrames(heard);
        for (let at = 0; at < bytes.length; ) {
          const { value: cut = 1 } = cuts.next();
          const size = bytes.copy(shared, 0, at, Math.min(bytes.length, at + cut));
          expect(frames.take(shared, size)).toBe(true);
          shared.fill(0xee);
          at += size;
        }
        expect(heard.events).toEqual(all.flatMap(({ heard: one }) => (one === undefined ? [] : [one])));
      }),
    );
  });

  it.each([
    ['no size', Buffer.from('what is this?')],
    ['a size that is too large', Buffer.from(`${LIMITS.frame + 1}   `)],
    [
      'a body that is not MessagePack',
      Buffer.concat([Buffer.from('3       '), Buffer.from([0xc1, 0xc1, 0xc1])]),
    ],
  ])('are refused if they are invalid: %s', (_, bytes) => {
    expect(new ParleyFrames(new RecordingReceiver()).take(bytes, bytes.length)).toBe(false);
  });

  it('are ignored after a stop', () => {
    const bytes = Buffer.concat([encodeFrame(['live', 1]), encodeFrame(['live', 2])]);
    const events: unknown[] = [];
    const frames = new ParleyFrames({
      message: () => {},
      acknowledged: () => {},
      frame: ([, id]) => {
        events.push(id);
        frames.stop();
      },
    });
    expect([frames.take(bytes, bytes.length), frames.take(bytes, bytes.length), events]).toEqual([
      true,
      true,
      [1],
    ]);
  });
});

it('a send equals the output of the codec, and is written at the given place only', () => {
  const name = fc
    .tuple(fc.string({ unit: 'binary', maxLength: 10 }), fc.nat(300))
    .map(([begin, more]) => begin + 'n'.repeat(more));
  const ascii = fc.nat(600).map((length) => 'text and '.repeat(70).slice(0, length));
  const given = fc.record({
    id: fc.integer({ min: 2 ** 16, max: 2 ** 32 - 1 }),
    to: name,
    text: ascii,
    key: fc.option(ascii, { nil: undefined }),
    start: fc.nat(50),
  });
  fc.assert(
    fc.property(given, ({ id, to, text, key, start }) => {
      const [toBytes, textBytes] = [Buffer.from(to), Buffer.from(text)];
      const maxBytes = sendBytes(toBytes, textBytes, key);
      const target = Buffer.alloc(start + maxBytes + 1, 0xee);
      const end = writeSend(target, start, id, toBytes, textBytes, key);
      expect(end).toBeLessThanOrEqual(start + maxBytes);
      expect(target.subarray(0, start).every((byte) => byte === 0xee)).toBe(true);
      expect(target.subarray(end).every((byte) => byte === 0xee)).toBe(true);
      const frame = target.subarray(start, end);
      const values = ['send', id, to, text, ...(key === undefined ? [] : [key])];
      expect(decodeBody(Buffer.from(frame.subarray(HEADER_BYTES)))).toEqual(values);
      expect(frame.equals(encodeFrame(values))).toBe(true);
    }),
  );
});
