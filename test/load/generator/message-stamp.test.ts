import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { STAMP_BYTES, StampCodec } from '../../../src/load/generator/message-stamp.ts';
import { SHORTEST_TEXT } from '../../../src/load/scenario/scenario.ts';

const stamp = fc.record({
  conversation: fc.nat(9_999_999),
  writer: fc.nat(999_999),
  counter: fc.nat(999_999_999),
  due: fc.double({ min: 0, max: 99_999_999_999_999, noNaN: true }),
});
const length = fc.integer({ min: SHORTEST_TEXT, max: 500 });
const tag = fc.stringMatching(/^[a-z0-9]{6}$/);

describe('message stamps', () => {
  it('are read as they were written, at any offset, and have the requested length', () => {
    fc.assert(
      fc.property(tag, length, stamp, fc.uint8Array({ maxLength: 50 }), (name, bytes, given, before) => {
        const codec = new StampCodec(name, bytes);
        const { conversation, writer, counter, due } = given;
        const text = String(codec.write(conversation, writer, counter, due));
        expect(text).toMatch(/^[a-z0-9]{6}[0-O .]+$/);
        expect(text).toHaveLength(bytes);
        const around = Buffer.concat([before, Buffer.from(text), before]);
        expect(codec.read(around, before.length, before.length + bytes)).toBe(true);
        expect(codec.last).toEqual({ ...given, due: Math.floor(due) });
      }),
    );
  });

  it('are rejected if they are from another run, have another length, or contain other characters', () => {
    const codec = new StampCodec('abcdef', 64);
    const text = String(codec.write(1, 2, 3, 4));
    const read = (other: string): boolean => codec.read(Buffer.from(other), 0, other.length);
    expect(read(text)).toBe(true);
    expect(read(String(new StampCodec('abcdeg', 64).write(1, 2, 3, 4)))).toBe(false);
    expect(read(`${text}.`)).toBe(false);
    expect(read(text.slice(0, -1))).toBe(false);
    expect(read('')).toBe(false);
    for (const [at, character] of [...text.slice(0, STAMP_BYTES)].entries()) {
      if (character === ' ') continue;
      expect(read(`${text.slice(0, at)}/${text.slice(at + 1)}`), `at ${at}`).toBe(false);
    }
  });

  it('are never found in arbitrary bytes, and reading stays within bounds', () => {
    const codec = new StampCodec('abcdef', SHORTEST_TEXT);
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 100 }), fc.nat(120), fc.nat(120), (bytes, start, end) => {
        expect(codec.read(Buffer.from(bytes), start, end)).toBe(false);
      }),
    );
  });

  it('fit into the shortest text', () => {
    expect(STAMP_BYTES).toBeLessThanOrEqual(SHORTEST_TEXT);
  });
});
