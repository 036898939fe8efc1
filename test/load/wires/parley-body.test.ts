/** Bodies that are read in place give the same values as the codec. */

import { isUtf8 } from 'node:buffer';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readAcknowledgement, readMessage } from '../../../src/load/wires/parley-body.ts';
import { decodeBody, encodeFrame } from '../../../src/protocol/codec.ts';
import { HEADER_BYTES } from '../../../src/protocol/vocabulary.ts';

const id = fc.oneof(fc.integer({ min: 2 ** 32, max: Number.MAX_SAFE_INTEGER }), fc.nat());
const text = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 40 }),
  fc.integer({ min: 0, max: 9_000 }).map((length) => 'x'.repeat(length)),
);
const message = fc
  .tuple(id, id, text, text, text, fc.option(fc.string({ maxLength: 300 }), { nil: undefined }))
  .map(([...fields]) => ['message', ...fields.filter((field) => field !== undefined)]);
const request = fc.oneof(fc.integer({ min: 2 ** 16, max: 2 ** 32 - 1 }), fc.nat());
const answer = fc.tuple(request, id, id).map(([number, ...result]) => ['ok', number, result]);
const anything = fc.oneof(
  message,
  answer,
  fc.array(fc.oneof(fc.constantFrom('message', 'ok', 'live', null, true), id, text, fc.array(id)), {
    maxLength: 9,
  }),
);
const noise = fc.uint8Array({ maxLength: 30 });

/** Places a body between other bytes, as in a read. */
function placed(body: Uint8Array, around: Uint8Array): readonly [Buffer, DataView, number, number] {
  const bytes = Buffer.concat([around, body, around]);
  return [bytes, viewOf(bytes), around.length, around.length + body.length];
}

function viewOf({ buffer, byteOffset, length }: Buffer): DataView {
  return new DataView(buffer, byteOffset, length);
}

function bodyOf(value: readonly unknown[]): Buffer {
  return encodeFrame(value).subarray(HEADER_BYTES);
}

/** Checks that `readMessage` finds the same as the codec, if the codec accepts the body. */
function checkMessage(body: Buffer, around: Uint8Array): boolean {
  const [bytes, view, start, end] = placed(body, around);
  const found = readMessage(bytes, view, start, end);
  if (found === undefined) return false;
  expect(found.start).toBeGreaterThan(start);
  expect(found.end).toBeLessThanOrEqual(end);
  const decoded = decodeBody(Buffer.from(body));
  const shown = bytes.subarray(found.start, found.end);
  if (decoded === undefined) {
    // `readMessage` does not check one thing: that strings are UTF-8.
    expect(stringsOf(body).every((string) => isUtf8(string))).toBe(false);
    return false;
  }
  expect([decoded[0], decoded[1], decoded[5]]).toEqual(['message', found.id, shown.toString()]);
  return true;
}

/** The strings of a message, which follow its name and two numbers. */
function stringsOf(body: Buffer): Buffer[] {
  const strings: Buffer[] = [];
  for (let at = 1 + 8 + 9 + 9; at < body.length; ) {
    const type = body[at] ?? 0;
    const [head, length] =
      type === 0xda
        ? [3, body.readUInt16BE(at + 1)]
        : type === 0xd9
          ? [2, body[at + 1] ?? 0]
          : [1, type & 0x1f];
    strings.push(body.subarray(at + head, at + head + length));
    at += head + length;
  }
  return strings;
}

function checkAnswer(body: Buffer, around: Uint8Array): boolean {
  const found = readAcknowledgement(...placed(body, around));
  if (found === undefined) return false;
  const [type, number, result] = decodeBody(Buffer.from(body)) ?? [];
  expect([type, number, Array.isArray(result) ? result[0] : undefined]).toEqual([
    'ok',
    found.request,
    found.id,
  ]);
  return true;
}

describe('reading bodies in place', () => {
  it('finds messages in the form that the server writes', () => {
    let read = 0;
    fc.assert(
      fc.property(message, noise, (value, around) => {
        const isFound = checkMessage(bodyOf(value), around);
        if (Number(value[1]) >= 2 ** 32 && Number(value[2]) >= 2 ** 32) expect(isFound).toBe(true);
        read += isFound ? 1 : 0;
      }),
    );
    expect(read).toBeGreaterThan(10);
  });

  it('finds answers in the form that the server writes', () => {
    let read = 0;
    fc.assert(
      fc.property(answer, noise, (value, around) => {
        read += checkAnswer(bodyOf(value), around) ? 1 : 0;
      }),
    );
    expect(read).toBeGreaterThan(10);
  });

  it('agrees with the codec on all other values', () => {
    fc.assert(
      fc.property(anything, noise, (value, around) => {
        checkMessage(bodyOf(value), around);
        checkAnswer(bodyOf(value), around);
      }),
      { numRuns: 1_000 },
    );
  });

  it('agrees with the codec on bodies that are cut off, longer, or have a changed byte', () => {
    const change = fc.record({ at: fc.nat(400), byte: fc.nat(255), length: fc.nat(400) });
    const short = fc.oneof(message, answer).filter((value) => bodyOf(value).length < 400);
    fc.assert(
      fc.property(short, change, noise, (value, { at, byte, length }, around) => {
        const body = bodyOf(value);
        const changed = Buffer.from(body);
        changed[at % changed.length] = byte;
        for (const other of [changed, body.subarray(0, length), Buffer.concat([body, around])]) {
          checkMessage(other, around);
          checkAnswer(other, around);
        }
      }),
      { numRuns: 3_000 },
    );
  });

  it('never throws, and finds nothing beyond the end, in arbitrary bytes', () => {
    const start = fc.constantFrom('\x96\xa7message\xcb', '\x97\xa7message\xcb', '\x93\xa2ok\xce', '');
    fc.assert(
      fc.property(start, fc.uint8Array({ maxLength: 80 }), fc.nat(100), (begin, rest, length) => {
        const bytes = Buffer.concat([Buffer.from(begin, 'latin1'), rest]);
        const end = Math.min(length, bytes.length);
        const found = readMessage(bytes, viewOf(bytes), 0, end);
        if (found !== undefined) expect(found.end).toBeLessThanOrEqual(end);
        readAcknowledgement(bytes, viewOf(bytes), 0, end);
        readMessage(Buffer.alloc(0), viewOf(Buffer.alloc(0)), 0, 0);
      }),
      { numRuns: 3_000 },
    );
  });
});
