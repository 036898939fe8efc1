import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import * as fc from 'fast-check';
import { describe, expect, it, vi } from 'vitest';
import { FrameDecoder, frameBody } from '../../src/protocol/frame.ts';

const LARGEST = 9_999_999;

/** Pulls everything: the bodies in order, then the final result. */
function pull(decoder: FrameDecoder): { bodies: string[]; end: string } {
  const bodies: string[] = [];
  for (;;) {
    const decoded = decoder.next();
    if (decoded.type === 'more') return { bodies, end: 'more' };
    if (decoded.type === 'fault') return { bodies, end: decoded.fault };
    bodies.push(decoded.body.toString('latin1'));
  }
}

/** The results of a new decoder that pulls after each chunk. */
function pullEach(chunks: readonly Buffer[], limit = 65_536): { bodies: string[]; end: string } {
  const decoder = new FrameDecoder(limit);
  const bodies: string[] = [];
  for (const chunk of chunks) {
    decoder.push(chunk);
    const pulled = pull(decoder);
    bodies.push(...pulled.bodies);
    if (pulled.end !== 'more') return { bodies, end: pulled.end };
  }
  return { bodies, end: 'more' };
}

/** A body that reveals a misplaced byte, and is full of bytes that look like headers. */
function bodyOf(size: number): string {
  return '1       12      '.repeat(Math.ceil(size / 16)).slice(0, size - 1) + String.fromCharCode(size % 256);
}

function streamOf(bodies: readonly string[]): Buffer {
  return Buffer.concat(bodies.map((body) => frameBody(Buffer.from(body, 'latin1'))));
}

describe('FrameDecoder', () => {
  const bodies = [1, 2, 7, 8, 9, 16, 31, 1, 1, 40].map(bodyOf);
  const stream = streamOf(bodies);

  it('finds the same frames in a stream cut at any two bytes', () => {
    for (let first = 0; first <= stream.length; first += 1) {
      for (let second = first; second <= stream.length; second += 1) {
        const chunks = [stream.subarray(0, first), stream.subarray(first, second), stream.subarray(second)];
        const pulled = pullEach(chunks);
        if (pulled.end !== 'more' || pulled.bodies.join('|') !== bodies.join('|')) {
          expect.fail(`cut at ${first} and ${second}: ${JSON.stringify(pulled)}`);
        }
      }
    }
  });

  it('finds the same frames in any chunks, pulled at any time, and reports idle correctly after each pull', () => {
    const step = fc.record({ size: fc.nat(60), frames: fc.constantFrom(0, 0, 1, 2, 99) });
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 1, max: 50 }), { maxLength: 12 }),
        fc.array(step),
        (sizes, steps) => {
          const sent = sizes.map(bodyOf);
          const bytes = streamOf(sent);
          const boundaries = new Set([0]);
          let boundary = 0;
          for (const size of sizes) {
            boundary += 8 + size;
            boundaries.add(boundary);
          }
          const decoder = new FrameDecoder(50);
          const got: string[] = [];
          let at = 0;
          for (const { size, frames } of [...steps, { size: bytes.length, frames: 99 }]) {
            decoder.push(bytes.subarray(at, at + size));
            at = Math.min(bytes.length, at + size);
            for (let i = 0; i < frames; i += 1) {
              const decoded = decoder.next();
              expect(decoded.type).not.toBe('fault');
              if (decoded.type === 'body') got.push(decoded.body.toString('latin1'));
              if (decoded.type !== 'body') {
                expect(decoder.idle).toBe(boundaries.has(at));
                break;
              }
            }
          }
          expect(got).toEqual(sent);
          expect(decoder.idle).toBe(true);
        },
      ),
      { numRuns: 500 },
    );
  });

  it('keeps bytes that are pushed while an earlier frame has not been pulled', () => {
    const decoder = new FrameDecoder(65_536);
    for (const byte of stream) decoder.push(Buffer.from([byte]));
    expect(decoder.next()).toMatchObject({ type: 'body' });
    decoder.push(streamOf(['late']));
    expect(pull(decoder)).toEqual({ bodies: [...bodies.slice(1), 'late'], end: 'more' });
  });

  it('returns more, again and again, and accepts empty chunks', () => {
    const decoder = new FrameDecoder(65_536);
    for (const piece of ['', '1', '', '      ', ' ', '', 'x']) {
      expect(decoder.next()).toEqual({ type: 'more' });
      expect(decoder.next()).toEqual({ type: 'more' });
      decoder.push(Buffer.from(piece));
    }
    expect(pull(decoder)).toEqual({ bodies: ['x'], end: 'more' });
    expect(decoder.next()).toEqual({ type: 'more' });
  });

  it('copies pieces of a body, so that the caller may overwrite a chunk once it has been pulled', () => {
    const chunks = [
      stream.subarray(0, 3),
      stream.subarray(3, 12),
      stream.subarray(12, 60),
      stream.subarray(60),
    ];
    const decoder = new FrameDecoder(65_536);
    const got: string[] = [];
    for (const chunk of chunks) {
      const copy = Buffer.from(chunk);
      decoder.push(copy);
      got.push(...pull(decoder).bodies);
      copy.fill('#');
    }
    expect(got).toEqual(bodies);
  });

  it('returns a view of the chunk if the chunk contains the whole body, even at its very end', () => {
    const decoder = new FrameDecoder(65_536);
    decoder.push(stream);
    for (const body of bodies) {
      const decoded = decoder.next();
      expect(decoded.type === 'body' && decoded.body.toString('latin1') === body).toBe(true);
      expect(decoded.type === 'body' && decoded.body.buffer === stream.buffer).toBe(true);
    }
  });

  describe('limit', () => {
    it.each([1, 10, 4_096, 65_536])(
      'accepts a body of exactly %i bytes and refuses one byte more',
      (limit) => {
        const fits = bodyOf(limit);
        const [whole, larger] = [streamOf([fits]), streamOf([`${fits}x`])];
        expect(pullEach([whole], limit)).toEqual({ bodies: [fits], end: 'more' });
        expect(pullEach([whole.subarray(0, 5), whole.subarray(5)], limit)).toEqual({
          bodies: [fits],
          end: 'more',
        });
        expect(pullEach([larger], limit)).toEqual({ bodies: [], end: 'frame_too_large' });
        expect(pullEach([larger.subarray(0, 5), larger.subarray(5, 8)], limit).end).toBe('frame_too_large');
      },
    );

    it('accepts the largest size that a header can express', () => {
      const body = Buffer.alloc(LARGEST, 'x');
      const decoder = new FrameDecoder(LARGEST);
      const frame = frameBody(body);
      decoder.push(frame.subarray(0, 100));
      expect(decoder.next()).toEqual({ type: 'more' });
      decoder.push(frame.subarray(100));
      const decoded = decoder.next();
      expect(decoded.type === 'body' && decoded.body.equals(body)).toBe(true);
    });

    it('returns the frames before a fault first', () => {
      expect(pullEach([Buffer.concat([stream, Buffer.from('x')])])).toEqual({ bodies, end: 'more' });
      expect(pullEach([Buffer.concat([stream, Buffer.from('0       ')])])).toEqual({
        bodies,
        end: 'bad_frame',
      });
      expect(pullEach([Buffer.concat([stream, Buffer.from('65537   ')])]).end).toBe('frame_too_large');
    });

    it('may be raised between two frames of one chunk', () => {
      const large = bodyOf(5_000);
      const chunk = streamOf(['login', large, large]);
      const raised = new FrameDecoder(4_096);
      raised.push(chunk);
      expect(raised.next()).toEqual({ type: 'body', body: Buffer.from('login') });
      raised.limit = 65_536;
      expect(pull(raised)).toEqual({ bodies: [large, large], end: 'more' });

      expect(pullEach([chunk], 4_096)).toEqual({ bodies: ['login'], end: 'frame_too_large' });
    });

    it('may be raised, and lowered, after half a header', () => {
      const large = bodyOf(5_000);
      const frame = streamOf([large]);
      for (const [before, after, end] of [
        [4_096, 65_536, 'more'] as const,
        [65_536, 4_096, 'frame_too_large'] as const,
      ]) {
        const decoder = new FrameDecoder(before);
        decoder.push(frame.subarray(0, 7));
        expect(decoder.next()).toEqual({ type: 'more' });
        decoder.limit = after;
        decoder.push(frame.subarray(7));
        expect(pull(decoder).end).toBe(end);
      }
    });

    it('is checked before anything is allocated for the body', () => {
      const before = process.memoryUsage().arrayBuffers;
      const decoders = Array.from({ length: 200 }, () => new FrameDecoder(4_096));
      for (const [i, decoder] of decoders.entries()) {
        decoder.push(Buffer.from('9999999 ').subarray(0, i % 2 === 0 ? 8 : 4));
        if (i % 2 === 1) {
          expect(decoder.next()).toEqual({ type: 'more' });
          decoder.push(Buffer.from('9999999 ').subarray(4));
        }
        expect(decoder.next()).toEqual({ type: 'fault', fault: 'frame_too_large' });
      }
      expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(LARGEST);
    });
  });

  it.each([
    ['between frames', ''],
    ['in a header', '12'],
    ['in a body', '12      hello'],
  ])('releases a chunk once it has been consumed, %s', async (_where, rest) => {
    const decoder = new FrameDecoder(65_536);
    const chunk = pushWeakly(decoder, Buffer.concat([stream, Buffer.from(rest)]));
    expect(pull(decoder)).toEqual({ bodies, end: 'more' });
    await vi.waitFor(() => {
      collectGarbage();
      expect(chunk.deref() === undefined).toBe(true);
    });
    expect(decoder.idle).toBe(rest === '');
  });
});

/** Pushes a copy of `bytes` to which only the decoder has a reference. */
function pushWeakly(decoder: FrameDecoder, bytes: Buffer): WeakRef<Buffer> {
  const chunk = Buffer.from(bytes);
  decoder.push(chunk);
  return new WeakRef(chunk);
}

function collectGarbage(): void {
  setFlagsFromString('--expose-gc');
  runInNewContext('gc()');
}
