/** The native codec: reading bytes in any pieces, and the bytes that it writes. */

import fc from 'fast-check';
import { expect, it } from 'vitest';
import type { Codec } from '../../../src/dialects/dialect.ts';
import { dialect } from '../../../src/dialects/native/native.ts';
import { decodeBody, encodeFrame } from '../../../src/protocol/codec.ts';
import { frameBody } from '../../../src/protocol/frame.ts';
import { Outbox, WriteTurn } from '../../../src/transport/outbox.ts';

const LIMIT = 1_000;

/** Reads until the codec needs more bytes: the requests, then the fault if there is one. */
function read(codec: Codec): unknown[] {
  const seen: unknown[] = [];
  for (;;) {
    const next = codec.next();
    if (next.type === 'more') return seen;
    if (next.type === 'fault') return [...seen, next.fault];
    seen.push(next.request);
  }
}

/** A connection that keeps what it is given. */
function open(): {
  readonly codec: Codec;
  readonly turn: WriteTurn;
  readonly out: Outbox;
  written(): Buffer;
} {
  const turn = new WriteTurn();
  const written: Buffer[] = [];
  const sink = { buffered: 0, write: (bytes: Buffer) => void written.push(Buffer.from(bytes)) };
  const out = new Outbox(turn, sink, 1_000_000, { overflow: () => {} });
  return { codec: dialect.open(LIMIT), turn, out, written: () => Buffer.concat(written) };
}

it('reads requests that arrive one byte at a time, and several in one write', () => {
  const requests = [
    ['ping', 1],
    ['send', 2, '#tea', 'hällo', null],
    ['hello', 3, { version: 1 }],
  ];
  const bytes = Buffer.concat(requests.map((request) => encodeFrame(request)));
  const slow = dialect.open(LIMIT);
  const seen = [...bytes].flatMap((byte) => {
    slow.push(Buffer.of(byte));
    return read(slow);
  });
  expect(seen).toEqual(requests);
  const fast = dialect.open(LIMIT);
  fast.push(bytes);
  expect(read(fast)).toEqual(requests);
});

it('reads the same however the bytes are cut', () => {
  const text = fc.string({ unit: 'binary', maxLength: 40 });
  const requests = fc.array(fc.array(fc.oneof(text, fc.nat(), fc.constant(null)), { maxLength: 6 }), {
    maxLength: 8,
  });
  fc.assert(
    fc.property(requests, fc.array(fc.nat({ max: 60 })), (sent, cuts) => {
      const bytes = Buffer.concat(sent.map((request) => encodeFrame(request)));
      const codec = dialect.open(LIMIT);
      const seen: unknown[] = [];
      let start = 0;
      for (const cut of [...cuts, bytes.length]) {
        codec.push(bytes.subarray(start, start + cut));
        start = Math.min(bytes.length, start + cut);
        seen.push(...read(codec));
      }
      expect(seen).toEqual(sent);
    }),
  );
});

it.each([
  ['no MessagePack', Buffer.from([0xc1])],
  ['a value that is no array', Buffer.from([0x01])],
  ['an array that ends early', Buffer.from([0x93, 0x01])],
  ['bytes after the array', Buffer.from([0x90, 0x00])],
  ['a string that is not UTF-8', Buffer.from([0x91, 0xa1, 0xff])],
  ['an array a thousand levels deep', Buffer.alloc(999, 0x91)],
])('a malformed body is not a request, and the next one is read: %s', (_, body) => {
  const codec = dialect.open(LIMIT);
  codec.push(Buffer.concat([frameBody(body), encodeFrame(['ping', 1])]));
  expect(read(codec)).toEqual([undefined, ['ping', 1]]);
});

it.each([
  ['a size with a leading zero', '012     ', 'bad_frame'],
  ['no size', '        ', 'bad_frame'],
  ['text', 'GET / HT', 'bad_frame'],
  ['a size above the limit', '1001    ', 'frame_too_large'],
])('an invalid header is a fault, reported after the requests before it: %s', (_, header, fault) => {
  const codec = dialect.open(LIMIT);
  codec.push(Buffer.concat([encodeFrame(['ping', 1]), Buffer.from(header)]));
  expect(read(codec)).toEqual([['ping', 1], fault]);
});

it('accepts larger requests from the moment the limit is raised', () => {
  const codec = dialect.open(LIMIT);
  const large = ['send', 1, '#tea', 'x'.repeat(LIMIT)];
  codec.limit = 2 * LIMIT;
  expect(codec.limit).toBe(2 * LIMIT);
  codec.push(encodeFrame(large));
  expect(read(codec)).toEqual([large]);
});

it.each([0, 127, 128, 255, 256, 65_535, 65_536, 2 ** 32, Number.MAX_SAFE_INTEGER])(
  'encodes the answer to a send like any other answer: request id %i',
  (requestId) => {
    const { codec, turn, out, written } = open();
    codec.stored(out, turn.arena, requestId, 1_760_000_000_000_000, 1_760_000_000_000);
    out.flush();
    const bytes = written();
    expect(decodeBody(bytes.subarray(8))).toEqual([
      'ok',
      requestId,
      [1_760_000_000_000_000, 1_760_000_000_000],
    ]);
    expect(Number(bytes.toString('latin1', 0, 8))).toBe(bytes.length - 8);
  },
);

it('takes finished frames as they are, and makes the same bytes of an event', () => {
  const codec = dialect.open(LIMIT);
  expect(codec.translation).toBeUndefined();
  expect(codec.encode(['live', 2])).toEqual(encodeFrame(['live', 2]));
});
