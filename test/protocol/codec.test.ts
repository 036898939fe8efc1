import * as fc from 'fast-check';
import { isNativeAccelerationEnabled } from 'msgpackr';
import { describe, expect, it } from 'vitest';
import { decodeBody, encodeFrame } from '../../src/protocol/codec.ts';
import { FrameDecoder } from '../../src/protocol/frame.ts';
import { farewell, HEADER_BYTES, refusal, type ServerFrame } from '../../src/protocol/vocabulary.ts';
import { startRandom } from '../support/random.ts';
import { anyArray } from './arbitrary.ts';
import { writeBody } from './hostile.ts';

/** The value that a peer reads from one frame, with the frame decoder and the body decoder. */
function receive(frame: Buffer, limit = 9_999_999): unknown[] | undefined {
  const decoder = new FrameDecoder(limit);
  decoder.push(frame);
  const decoded = decoder.next();
  if (decoded.type !== 'body' || !decoder.idle) expect.fail(`not one frame: ${decoded.type}`);
  return decodeBody(decoded.body);
}

function bytes(hex: string): Buffer {
  return Buffer.from(hex.replaceAll(' ', ''), 'hex');
}

describe('encodeFrame', () => {
  it('writes a header and a body', () => {
    const frame = encodeFrame(['send', 7, '#room', 'hi']);
    expect(frame.subarray(0, HEADER_BYTES).toString()).toBe('16      ');
    expect(frame.subarray(HEADER_BYTES)).toEqual(bytes('94 a473656e64 07 a523726f6f6d a26869'));
  });

  it('writes maps in their shortest form', () => {
    expect(encodeFrame([{ a: 1 }]).toString('latin1')).toBe('5       \x91\x81\xa1a\x01');
  });

  it('writes nil for undefined, at any depth', () => {
    expect(encodeFrame([undefined]).subarray(HEADER_BYTES)).toEqual(bytes('91 c0'));
    expect(receive(encodeFrame(['ok', 1, undefined, [undefined, 2], { a: undefined }]))).toEqual([
      'ok',
      1,
      null,
      [null, 2],
      { a: null },
    ]);
  });

  it('never modifies a frame that it has returned', () => {
    const pick = startRandom(1);
    const frames: Buffer[] = [];
    const copies: string[] = [];
    for (let i = 0; i < 10_000; i += 1) {
      const text = 'xé'.repeat(pick(i % 500 === 0 ? 40_000 : 150));
      const frame = encodeFrame([
        'message',
        i,
        1_790_000_000_000 + i,
        'alice',
        '#room',
        text,
        { key: text.slice(0, 9) },
      ]);
      frames.push(frame);
      copies.push(frame.toString('latin1'));
    }
    // Decoding must not modify them either.
    for (const frame of frames) expect(receive(frame)?.[0]).toBe('message');
    expect(frames.every((frame, i) => frame.toString('latin1') === copies[i])).toBe(true);
  });

  it('still works after a value that it cannot encode', () => {
    const kept = encodeFrame(['before']);
    expect(() => encodeFrame(['x', 2n ** 80n])).toThrow(RangeError);
    expect(() => encodeFrame(['x', [Symbol('x')]])).toThrow('Unknown type');
    expect(receive(encodeFrame(['after', 1]))).toEqual(['after', 1]);
    expect(receive(kept)).toEqual(['before']);
  });
});

describe('a round trip', () => {
  it('preserves every frame of the server', () => {
    const frames: ServerFrame[] = [
      ['ok', 0],
      ['ok', Number.MAX_SAFE_INTEGER, [1_790_000_000_000_123, 1_790_000_000_000]],
      ['ok', 3, { version: 1, server: 'parley', limits: { text: 8_192 } }],
      ['message', 1_790_000_000_000_123, 1_790_000_000_000, 'alice', '#room', 'Grüße 😀'],
      ['message', 1_790_000_000_000_124, 1_790_000_000_000, 'alice', 'bob', '\u0000', 'key'],
      ['joined', 5, 6, '#room', 'bob'],
      ['live', 0],
      ['online', 'constructor'],
      refusal(null, 'malformed'),
      farewell('shutdown', 1_500),
    ];
    for (const frame of frames) expect(receive(encodeFrame(frame))).toEqual(frame);
  });

  it('preserves numbers exactly, up to the largest safe integer', () => {
    const numbers = [0, 127, 128, -32, -33, 1.5, -0.1, 5e-324, 1 / 3];
    for (let power = 7; power <= 53; power += 1) {
      for (const near of [-2, -1, 0, 1]) numbers.push(2 ** power + near, -(2 ** power) - near);
    }
    const safe = numbers.filter((value) => Math.abs(value) <= Number.MAX_SAFE_INTEGER);
    for (const value of safe) expect(receive(encodeFrame([value]))).toEqual([value]);
    fc.assert(fc.property(fc.maxSafeInteger(), (value) => receive(encodeFrame([value]))?.[0] === value));
  });

  it('preserves text of every length and kind', () => {
    const kinds = ['x', 'é', '€', '😀', '\u0000', '\ufffd', '\uffff', 'aé'];
    for (const kind of kinds) {
      for (const length of [
        0, 1, 2, 3, 4, 15, 16, 20, 31, 32, 63, 64, 65, 127, 128, 255, 256, 8_192, 21_845, 65_536,
      ]) {
        const text = kind.repeat(length);
        const sent = [text, 1, text, { [text]: text }, 'after'];
        if (JSON.stringify(receive(encodeFrame(sent))) !== JSON.stringify(sent)) {
          expect.fail(`${JSON.stringify(kind)} × ${length} came back different`);
        }
      }
    }
  });

  it.runIf(isNativeAccelerationEnabled)('keeps a byte order mark', () => {
    for (const length of [0, 10, 70, 300]) {
      const text = `\ufeff${'é'.repeat(length)}`;
      expect(receive(encodeFrame([text]))).toEqual([text]);
    }
  });

  it('preserves every value that the protocol can express', () => {
    fc.assert(
      fc.property(anyArray, (value) => {
        // Negative zero becomes zero.
        expect(receive(encodeFrame(value))).toEqual(JSON.parse(JSON.stringify(value)));
      }),
      { numRuns: 1_000 },
    );
  });

  it('preserves a body of a megabyte, and small ones after it', () => {
    const large = ['send', 1, 'bob', 'é'.repeat(500_000)];
    const frame = encodeFrame(large);
    expect(frame.subarray(0, HEADER_BYTES).toString()).toBe('1000016 ');
    const after = encodeFrame(['ping', 2]);
    expect(receive(after)).toEqual(['ping', 2]);
    expect(receive(frame)).toEqual(large);
    const many = Array.from({ length: 100_000 }, (_, i) => [i, String(i)]);
    expect(receive(encodeFrame(many))).toEqual(many);
  });
});

describe('decodeBody', () => {
  it('never sets a prototype, whatever the keys are', () => {
    const pairs = `a9 ${Buffer.from('__proto__').toString('hex')} 81 a161 01`;
    const long = `d909 ${Buffer.from('__proto__').toString('hex')} 81 a161 01`;
    for (const body of [`91 81 ${pairs}`, `91 81 ${long}`, `91 de 0001 ${pairs}`, `91 df 00000001 ${long}`]) {
      const value: unknown = decodeBody(bytes(body))?.[0];
      expect(value).toEqual({ __proto_: { a: 1 } });
      expect(Object.getPrototypeOf(value)).toBe(Object.prototype);
    }
    expect(Reflect.has({}, 'a')).toBe(false);
    const names = ['constructor', 'prototype', 'hasOwnProperty', 'toString', 'toJSON', 'then', 'length', '0'];
    for (const name of names) {
      const value: unknown = receive(encodeFrame([{ [name]: 7 }]))?.[0];
      expect(value).toEqual({ [name]: 7 });
      expect(Object.getPrototypeOf(value)).toBe(Object.prototype);
      expect(Reflect.get({}, name)).not.toBe(7);
    }
  });

  it('keeps the last of two equal keys', () => {
    expect(decodeBody(bytes('91 82 a161 01 a161 02'))).toEqual([{ a: 2 }]);
  });

  it('carries nothing over from one body to the next, allowed or not', () => {
    const probes = [
      ['send', 0x40, 0x41, 0x7f, { type: 'message', text: 'é'.repeat(30) }],
      [{ type: 1, constructor: 2, '': 3, é: 4 }, 'x'.repeat(200)],
    ];
    const frames = probes.map((probe) => encodeFrame(probe).subarray(HEADER_BYTES));
    const hostile = [
      bytes('92 d4 72 40 91 a161 01 40'), // a record definition, then a use of it
      bytes('92 d5 72 40 00 91 a161 01 4000'),
      bytes('91 d6 62 00000001 c1 01'), // bundled strings
      bytes('91 d6 69 00000001 91 d6 70 00000001'), // an id, and a pointer to it
      bytes('91 82 a474797065 01 90 01'), // a key, then one that throws
      bytes('91 81 a474797065'),
      bytes('91 c7 0c ff 000000000000000000000000'),
      ...Array.from({ length: 300 }, (_, seed) => writeBody(startRandom(seed), 8)),
    ];
    for (const body of hostile) {
      decodeBody(body);
      expect(frames.map(decodeBody)).toEqual(probes);
    }
  });

  it('creates separate values for bodies with the same bytes', () => {
    const body = encodeFrame([{ list: [1] }]).subarray(HEADER_BYTES);
    const first = decodeBody(body);
    const second = decodeBody(body);
    expect(first?.[0]).not.toBe(second?.[0]);
    expect(first).toEqual(second);
  });

  it('does not modify the body', () => {
    const body = Buffer.from(encodeFrame(['é', { a: [1, 2 ** 40] }]).subarray(HEADER_BYTES));
    const before = body.toString('hex');
    decodeBody(body);
    expect(body.toString('hex')).toBe(before);
  });
});
