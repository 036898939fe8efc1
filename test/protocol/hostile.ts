/**
 * Random bodies as a hostile peer would write them: every form of the format, well formed and malformed, and mutations
 * of them. A seed determines all of it.
 */

import type { Pick } from '../support/random.ts';

const MAX_DEPTH = 8;

/** A body. With an `oddity` of n about one part in n is invalid; with 0 none is. */
export function writeBody(pick: Pick, oddity: number): Buffer {
  return writeArray({ pick, oddity }, 1);
}

type Draw = { readonly pick: Pick; readonly oddity: number };

function strikes(draw: Draw): boolean {
  return draw.oddity > 0 && draw.pick(draw.oddity) === 0;
}

function one<T>(draw: Draw, first: T, ...others: readonly T[]): T {
  return others[draw.pick(others.length + 1) - 1] ?? first;
}

function writeValue(draw: Draw, depth: number): Buffer {
  if (strikes(draw)) return writeOddity(draw);
  const { pick } = draw;
  switch (pick(depth < MAX_DEPTH || draw.oddity > 0 ? 10 : 7)) {
    case 0:
      return Buffer.from([one(draw, pick(0x80), 0xe0 + pick(0x20))]);
    case 1:
      return Buffer.from([one(draw, 0xc0, 0xc2, 0xc3)]);
    case 2:
      return writeInteger(draw);
    case 3:
      return writeFloat(draw);
    case 4:
      return writeCounted(draw, Buffer.alloc(pick(9), 0xa1), 0xc4);
    case 5:
    case 6:
      return writeText(draw, randomText(draw));
    case 7:
      return writeArray(draw, depth);
    case 8:
      return writeMap(draw, depth);
    default: {
      const levels = Math.max(0, MAX_DEPTH - depth + (draw.oddity > 0 ? pick(3) : 0));
      return Buffer.concat([Buffer.alloc(levels, 0x91), Buffer.from([one(draw, 0x07, 0x80, 0x90)])]);
    }
  }
}

/** Extension types that msgpackr knows, and one that it does not. */
const EXTENSIONS = [0x42, 0x52, 0x62, 0x65, 0x69, 0x70, 0x72, 0x73, 0x74, 0x78, 0xff, 0x11] as const;

function writeOddity(draw: Draw): Buffer {
  const filling = Buffer.from(Array.from({ length: draw.pick(20) }, () => draw.pick(256)));
  const extension = one(draw, 0x00, ...EXTENSIONS);
  const headers = [
    [0xd4 + draw.pick(5), extension],
    [0xc7, filling.length, extension],
    [0xc8, 0, filling.length, extension],
    [0xc9, 0, 0, 0, filling.length, extension],
    [0xc1],
    [one(draw, 0xc6, 0xdb, 0xdd, 0xdf), 0xff, 0xff, 0xff, 0xff - draw.pick(2)],
  ];
  return Buffer.concat([Buffer.from(headers[draw.pick(headers.length)] ?? [0xc1]), filling]);
}

/** Boundaries of signs, widths and the safe range, as powers of two. */
const EDGES = [0, 4, 5, 6, 7, 8, 15, 16, 31, 32, 52, 53, 54, 63, 64] as const;

function writeInteger(draw: Draw): Buffer {
  const { pick } = draw;
  const edge = 2n ** BigInt(one(draw, ...EDGES)) + BigInt(pick(5) - 2);
  const drawn = one(draw, edge, -edge);
  const safe = drawn > -(2n ** 53n) && drawn < 2n ** 53n;
  const value = safe || draw.oddity > 0 ? drawn : 0n;
  const width = safe ? pick(4) : 3;
  // A form that is too narrow keeps the lowest bytes, which are as good a number as any.
  const bytes = Buffer.alloc(9);
  bytes.writeBigUInt64BE(BigInt.asUintN(64, value), 1);
  const at = 8 - 2 ** width;
  bytes[at] = (value < 0n && draw.oddity === 0 ? 0xd0 : one(draw, 0xcc, 0xd0)) + width;
  return bytes.subarray(at);
}

const FLOATS = [
  0,
  -0,
  1.5,
  Number.NaN,
  Infinity,
  -Infinity,
  2 ** 53,
  -(2 ** 53),
  2 ** 53 - 1,
  5e-324,
  1e300,
] as const;

function writeFloat(draw: Draw): Buffer {
  const any = (draw.pick(2 ** 32) - 2 ** 31) * 10 ** (draw.pick(12) - 6);
  const drawn = one(draw, any, any, one(draw, ...FLOATS));
  const value = Math.abs(drawn) < 2 ** 52 || draw.oddity > 0 ? drawn : 0;
  const bytes = Buffer.alloc(9);
  if (draw.pick(2) === 0) {
    bytes[0] = 0xcb;
    bytes.writeDoubleBE(value, 1);
    return bytes;
  }
  bytes[0] = 0xca;
  bytes.writeFloatBE(value, 1);
  return bytes.subarray(0, 5);
}

/** Hexadecimal: a, NUL, é, €, 😀, the last code point, the byte order mark, the replacement character itself. */
const TEXTS = ['00', 'c3a9', 'e282ac', 'f09f9880', 'f48fbfbf', 'efbbbf', 'efbfbd'] as const;

/** Overlong forms, surrogates, truncated sequences, a stray continuation, above U+10FFFF, unused bytes. */
const BAD_TEXTS = [
  ...['c080', 'c1bf', 'e0809f', 'e09fbf', 'f0808080', 'f08fbfbf', 'eda080', 'edbfbf', 'eda0bdedb880'],
  ...[
    'c3',
    'e2',
    'e282',
    'f0',
    'f09f',
    'f09f98',
    '80',
    'bf',
    'f4908080',
    'f5808080',
    'f888808080',
    'fe',
    'ff',
  ],
] as const;

function randomText(draw: Draw): Buffer {
  const { pick } = draw;
  // msgpackr switches its reading method at strings of 16, 32 and 65 bytes and at bodies of 140 and 180 bytes.
  const length = one(draw, pick(18), pick(18), pick(18), pick(18), pick(40), pick(90), pick(300));
  const plain = pick(2) === 0;
  const pieces: string[] = Array.from({ length }, () =>
    plain || pick(3) > 0 ? '61' : one(draw, '61', ...TEXTS),
  );
  if (pick(30) === 0) pieces.unshift('efbbbf');
  if (strikes(draw)) pieces.splice(pick(length + 1), 0, one(draw, ...BAD_TEXTS));
  return Buffer.from(pieces.join(''), 'hex');
}

function writeText(draw: Draw, text: Buffer): Buffer {
  if (text.length < 32 && draw.pick(3) > 0) return Buffer.concat([Buffer.from([0xa0 + text.length]), text]);
  return writeCounted(draw, text, 0xd9);
}

function writeArray(draw: Draw, depth: number): Buffer {
  const most = draw.pick(30) === 0 ? 300 : 5;
  const count = depth === 1 ? 1 + draw.pick(most) : draw.pick(draw.pick(20) === 0 ? 40 : 4);
  const parts = [writeCount(draw, count, 0x90, 0xdc)];
  for (let i = 0; i < count; i += 1) parts.push(writeValue(draw, depth + 1));
  return Buffer.concat(parts);
}

const KEYS = [
  '__proto__',
  '__proto_',
  'constructor',
  'toJSON',
  'then',
  'length',
  '0',
  'é',
  '\ufeffx',
  'type',
] as const;

function writeMap(draw: Draw, depth: number): Buffer {
  const count = draw.pick(draw.pick(20) === 0 ? 40 : 4);
  const parts = [writeCount(draw, count, 0x80, 0xde)];
  for (let i = 0; i < count; i += 1) {
    if (strikes(draw)) parts.push(writeValue(draw, depth + 1));
    else parts.push(writeText(draw, one(draw, randomText(draw), Buffer.from(one(draw, ...KEYS)))));
    parts.push(writeValue(draw, depth + 1));
  }
  return Buffer.concat(parts);
}

/** The header of an array or a map; `short` is its one-byte form, `long` the first of its two others. */
function writeCount(draw: Draw, count: number, short: number, long: number): Buffer {
  const stated = strikes(draw) ? Math.max(0, count + draw.pick(3) - 1) : count;
  const low = [stated >> 8, stated & 0xff];
  const wide = one(draw, [long, ...low], [long + 1, 0, 0, ...low]);
  return Buffer.from(stated < 16 && draw.pick(4) > 0 ? [short + stated] : wide);
}

/** Bytes after their count, which has one, two or four bytes. `type` is the first of the three forms. */
function writeCounted(draw: Draw, bytes: Buffer, type: number): Buffer {
  const width = bytes.length < 0x100 ? draw.pick(3) : 1 + draw.pick(2);
  const header = Buffer.alloc(1 + 2 ** width);
  header[0] = type + width;
  header.writeUIntBE(bytes.length, 1, 2 ** width);
  return Buffer.concat([header, bytes]);
}

/** Type bytes that a mutation writes over others: one of each kind, and both ends of each range. */
const TYPES = Buffer.from(
  '007f808f909fa0bfc0c1c2c3c4c5c6c7c8c9cacbcccdcecfd0d1d2d3d4d5d6d7d8d9dadbdcdddedfe0ff',
  'hex',
);

/** A damaged copy of `body`. Some damage splices in bytes of `other`. */
export function mutate(pick: Pick, body: Buffer, other: Buffer): Buffer {
  let bytes = Buffer.from(body);
  for (let rounds = 1 + pick(3); rounds > 0 && bytes.length > 0; rounds -= 1) {
    const at = pick(bytes.length);
    const to = at + pick(Math.min(12, bytes.length - at) + 1);
    const from = pick(other.length + 1);
    const kind = pick(7);
    if (kind === 0) bytes[at] = (bytes[at] ?? 0) ^ (1 << pick(8));
    if (kind === 1) bytes[at] = pick(256);
    if (kind === 2) bytes[at] = TYPES[pick(TYPES.length)] ?? 0xc1;
    if (kind === 3) bytes = bytes.subarray(0, at);
    if (kind === 4) bytes = Buffer.concat([bytes.subarray(0, at), bytes.subarray(to)]);
    if (kind === 5) bytes = Buffer.concat([bytes.subarray(0, to), bytes.subarray(at)]);
    if (kind === 6) {
      bytes = Buffer.concat([
        bytes.subarray(0, at),
        other.subarray(from, from + pick(24)),
        bytes.subarray(to),
      ]);
    }
  }
  return bytes;
}
