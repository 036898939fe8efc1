import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { encodeFrame } from '../../src/protocol/codec.ts';
import {
  MAX_MESSAGE_OVERHEAD,
  MAX_STORED_BYTES,
  withKey,
  writeMessage,
  writeStored,
} from '../../src/protocol/message-frame.ts';

const START = 5;
const anyText = fc.oneof(
  fc.string({ unit: 'binary', minLength: 1, maxLength: 400 }),
  fc.constantFrom('a', 'é'.repeat(31), 'é'.repeat(127), '€'.repeat(2_730), 'x'.repeat(31), 'x'.repeat(32)),
  fc.constantFrom('x'.repeat(255), 'x'.repeat(256), 'x'.repeat(8_192)),
);
const name = fc.stringMatching(/^[A-Za-z][A-Za-z0-9_.-]{0,31}$/);
/** Ids since 2001, in microseconds. */
const id = fc.integer({ min: 1e15, max: Number.MAX_SAFE_INTEGER });

function message(key: string | undefined, ...[at, from, to, text]: [number, string, string, string]): Buffer {
  const target = Buffer.alloc(
    START + MAX_MESSAGE_OVERHEAD + 3 * (from.length + to.length + text.length),
    0xff,
  );
  const end = writeMessage(target, START, at * 1_000, at, from, to, text);
  const frame = target.subarray(START, end);
  return key === undefined ? frame : withKey(frame, key);
}

describe('hand-written encoders produce the same bytes as encodeFrame', () => {
  it('for a message', () => {
    fc.assert(
      fc.property(id, name, name, anyText, (value, from, to, text) => {
        const at = Math.floor(value / 1_000);
        const expected = encodeFrame(['message', at * 1_000, at, from, `#${to}`, text]);
        expect(message(undefined, at, from, `#${to}`, text)).toEqual(expected);
      }),
    );
  });

  it('for a message with its key', () => {
    fc.assert(
      fc.property(id, name, anyText, fc.string({ minLength: 1, maxLength: 32 }), (value, user, text, key) => {
        const at = Math.floor(value / 1_000);
        const expected = encodeFrame(['message', at * 1_000, at, user, user, text, key]);
        expect(message(key, at, user, user, text)).toEqual(expected);
      }),
    );
  });

  it('for an answer to send', () => {
    const edges = [0, 127, 128, 255, 256, 65_535, 65_536, 2 ** 32 - 1, 2 ** 32, Number.MAX_SAFE_INTEGER];
    fc.assert(
      fc.property(fc.oneof(fc.constantFrom(...edges), fc.maxSafeNat()), id, (requestId, value) => {
        const at = Math.floor(value / 1_000);
        const target = Buffer.alloc(START + MAX_STORED_BYTES);
        const end = writeStored(target, START, requestId, value, at);
        expect(target.subarray(START, end)).toEqual(encodeFrame(['ok', requestId, [value, at]]));
      }),
    );
  });
});
