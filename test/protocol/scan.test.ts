import { isDeepStrictEqual } from 'node:util';
import * as fc from 'fast-check';
import { Packr } from 'msgpackr';
import { describe, expect, it } from 'vitest';
import { decodeBody, encodeFrame } from '../../src/protocol/codec.ts';
import { isSafeArray } from '../../src/protocol/scan.ts';
import { HEADER_BYTES } from '../../src/protocol/vocabulary.ts';
import { startRandom } from '../support/random.ts';
import { anyArray } from './arbitrary.ts';
import { mutate, writeBody } from './hostile.ts';
import { findForbidden, readPlainly } from './oracle.ts';

/** Converts hexadecimal digits to bytes, ignoring blanks. */
function bytes(hex: string): Buffer {
  return Buffer.from(hex.replaceAll(' ', ''), 'hex');
}

/** An array whose only element is encoded as `hex`. */
function around(hex: string): Buffer {
  return bytes(`91${hex}`);
}

function bodyOf(value: readonly unknown[]): Buffer {
  return encodeFrame(value).subarray(HEADER_BYTES);
}

/** Checks one body against the oracle: the verdict, the value, and the content of the value. */
function check(body: Buffer): void {
  const expected = readPlainly(body);
  if (isSafeArray(body) !== (expected !== undefined)) {
    expect.fail(`${body.toString('hex')} is ${expected === undefined ? 'refused' : 'allowed'} by the oracle`);
  }
  if (expected === undefined) return;
  const decoded = decodeBody(body);
  if (!isDeepStrictEqual(decoded, expected)) expect.fail(`${body.toString('hex')} decodes to something else`);
  const forbidden = findForbidden(decoded);
  if (forbidden !== undefined) expect.fail(`${body.toString('hex')} holds ${forbidden}`);
}

const examples: readonly (readonly unknown[])[] = [
  [],
  ['ping', 1],
  ['hello', 0, { version: 1, client: 'parley 0.1.0' }],
  ['login', 2, 'alice', 'correct horse', 1_790_000_000_000_123],
  ['send', 4_294_967_296, '#général', 'Grüße 😀 \u0000 \uffff', 'key-1'],
  ['message', Number.MAX_SAFE_INTEGER, 1_790_000_000_000, 'bob', '#room', 'x'.repeat(300)],
  [
    'ok',
    7,
    [
      [
        ['bob', true],
        ['carol', false],
      ],
      null,
    ],
  ],
  [-1, -33, -129, -32_769, -2_147_483_649, 255, 65_535, 1.5, -0.1, true, null, [[[[[[1]]]]]]],
];

describe('isSafeArray accepts', () => {
  it('every value that the protocol can express', () => {
    for (const example of examples) expect(isSafeArray(bodyOf(example))).toBe(true);
    fc.assert(
      fc.property(anyArray, (value) => isSafeArray(bodyOf(value))),
      { numRuns: 1_000 },
    );
  });

  it('every well-formed body that the format allows in more than one form', () => {
    for (let seed = 0; seed < 3_000; seed += 1) {
      const body = writeBody(startRandom(seed), 0);
      if (!isSafeArray(body)) expect.fail(`refused ${body.toString('hex')} of seed ${seed}`);
    }
  });

  it.each([
    ['fixarray', '90'],
    ['array 16', 'dc 0000'],
    ['array 32', 'dd 00000000'],
    ['array 32 with one element', 'dd 00000001 01'],
    ['map 16', '91 de 0001 a161 01'],
    ['map 32', '91 df 00000001 a161 01'],
    ['a str 32 for an empty string', '91 db 00000000'],
    ['keys as str 8, str 16 and str 32', '91 83 d90161 01 da000162 02 db0000000163 03'],
    ['a key twice', '91 82 a161 01 a161 02'],
    ['a negative zero', '92 ca80000000 cb8000000000000000'],
    ['bytes', '91 c4 02 ffff'],
  ])('%s', (_what, hex) => {
    expect(isSafeArray(bytes(hex))).toBe(true);
    check(bytes(hex));
  });
});

describe('isSafeArray refuses', () => {
  it.each([
    ['nothing', ''],
    ['nil', 'c0'],
    ['a number', '07'],
    ['a string', 'a3 666f6f'],
    ['a map', '81 a161 01'],
    ['bytes', 'c4 01 90'],
    ['two arrays', '90 90'],
    ['an array and a byte', '91 01 00'],
    ['the byte that is never used', '91 c1'],
    ['an array that is never used', 'c1'],
  ])('%s', (_what, hex) => {
    expect(isSafeArray(bytes(hex))).toBe(false);
    expect(decodeBody(bytes(hex))).toBeUndefined();
  });

  it('every valid body truncated at any byte, or with an extra byte', () => {
    const bodies = examples.map(bodyOf);
    for (let seed = 0; seed < 150; seed += 1) bodies.push(writeBody(startRandom(seed), 0));
    for (const body of bodies.filter(({ length }) => length < 500)) {
      for (let size = 0; size < body.length; size += 1) {
        if (isSafeArray(body.subarray(0, size))) expect.fail(`took ${size} bytes of ${body.toString('hex')}`);
      }
      expect(isSafeArray(Buffer.concat([body, Buffer.from([0])]))).toBe(false);
    }
  });

  it('a body that continues beyond its end in memory', () => {
    const chunk = bytes('91 a3 6162 63 92 01 02');
    expect(isSafeArray(chunk.subarray(0, 4))).toBe(false);
    expect(isSafeArray(chunk.subarray(0, 5))).toBe(true);
    expect(isSafeArray(chunk.subarray(5, 7))).toBe(false);
    expect(decodeBody(chunk.subarray(5))).toEqual([1, 2]);
  });

  it('every extension type in every form, before and after valid values', () => {
    for (let type = 0; type < 256; type += 1) {
      const id = type.toString(16).padStart(2, '0');
      const forms = [
        ...[1, 2, 4, 8, 16].map((size, i) => `d${4 + i} ${id} ${'91'.repeat(size)}`),
        ...[0, 1, 4, 8, 12].map((size) => `c7 0${size.toString(16)} ${id} ${'91'.repeat(size)}`),
        `c8 0004 ${id} 91919191`,
        `c9 00000004 ${id} 91919191`,
      ];
      for (const form of forms) {
        for (const body of [
          around(form),
          bytes(`92 01 ${form}`),
          bytes(`92 ${form} 01`),
          around(`81 a161 ${form}`),
        ]) {
          if (isSafeArray(body)) expect.fail(`took ${body.toString('hex')}`);
          expect(decodeBody(body)).toBeUndefined();
        }
      }
    }
  });

  it('the extensions that msgpackr writes for a class, a date, an error, a set, a record', () => {
    const packr = new Packr({ moreTypes: true, structuredClone: true, useBigIntExtension: true });
    const rich = [
      new Date(),
      new Set([1]),
      /a/g,
      new Error('x'),
      new Uint16Array(2),
      2n ** 80n,
      { a: 1, b: 2 },
      undefined,
    ];
    for (const value of rich) expect(isSafeArray(packr.pack([value]))).toBe(false);
    const bundling = new Packr({ bundleStrings: true, useRecords: false });
    expect(isSafeArray(bundling.pack(['a string that is bundled', 'and one more']))).toBe(false);
  });

  it.each([
    ['a number', '05'],
    ['a wide number', 'cb 3ff0000000000000'],
    ['nil', 'c0'],
    ['true', 'c3'],
    ['an array', '91 01'],
    ['an empty array', '90'],
    ['a map', '80'],
    ['bytes', 'c4 01 61'],
    ['bytes that spell a string', 'c4 02 a161'],
  ])('%s as a key of a map', (_what, hex) => {
    for (const header of ['81', 'de 0001', 'df 00000001']) {
      expect(isSafeArray(around(`${header} ${hex} 01`))).toBe(false);
      expect(decodeBody(around(`${header} ${hex} 01`))).toBeUndefined();
    }
    expect(isSafeArray(around(`82 a161 01 ${hex} 01`))).toBe(false);
  });

  it.each([
    ['NaN', 'cb 7ff8000000000000'],
    ['a NaN with its sign', 'cb fff8000000000001'],
    ['a signalling NaN', 'cb 7ff0000000000001'],
    ['Infinity', 'cb 7ff0000000000000'],
    ['−Infinity', 'cb fff0000000000000'],
    ['NaN as float 32', 'ca 7fc00000'],
    ['Infinity as float 32', 'ca 7f800000'],
    ['−Infinity as float 32', 'ca ff800000'],
    ['2^53', 'cb 4340000000000000'],
    ['−2^53', 'cb c340000000000000'],
    ['2^53 as float 32', 'ca 5a000000'],
    ['−2^53 as float 32', 'ca da000000'],
    ['2^53 as uint 64', 'cf 0020000000000000'],
    ['2^53 + 1 as uint 64', 'cf 0020000000000001'],
    ['2^64 − 1 as uint 64', 'cf ffffffffffffffff'],
    ['2^53 as int 64', 'd3 0020000000000000'],
    ['−2^53 as int 64', 'd3 ffe0000000000000'],
    ['−2^53 − 1 as int 64', 'd3 ffdfffffffffffff'],
    ['−2^63 as int 64', 'd3 8000000000000000'],
  ])('%s', (_what, hex) => {
    expect(isSafeArray(around(hex))).toBe(false);
  });

  it.each([
    ['cb 433fffffffffffff', Number.MAX_SAFE_INTEGER],
    ['cb c33fffffffffffff', Number.MIN_SAFE_INTEGER],
    ['ca 59ffffff', 2 ** 53 - 2 ** 29],
    ['cf 001fffffffffffff', Number.MAX_SAFE_INTEGER],
    ['d3 001fffffffffffff', Number.MAX_SAFE_INTEGER],
    ['d3 ffe0000000000001', Number.MIN_SAFE_INTEGER],
    ['cf 0000000000000000', 0],
    ['d3 ffffffffffffffff', -1],
    ['d3 ffffffff00000000', -(2 ** 32)],
    ['cf 0000000100000000', 2 ** 32],
  ])('but accepts the neighbour %s', (hex, value) => {
    expect(decodeBody(around(hex))).toEqual([value]);
  });
});

describe('every first byte', () => {
  it('gets the same verdict as from the oracle, as a value and as a key, with any number of bytes after it', () => {
    for (let type = 0; type < 256; type += 1) {
      for (let size = 0; size < 20; size += 1) {
        for (const filling of [0x00, 0x01]) {
          const tail = Buffer.alloc(size, filling);
          for (const head of ['91', '92', '91 81', '91 de 0001']) {
            check(Buffer.concat([bytes(head), Buffer.from([type]), tail]));
          }
        }
      }
    }
  });
});

describe('depth', () => {
  it('may be 8, including the outermost array, in arrays and maps alike', () => {
    for (const open of ['91', '81 a161', 'dd 00000001']) {
      for (const last of ['90', '80', '07', 'a161', 'c401ff', 'cb3ff0000000000000']) {
        for (let depth = 2; depth < 12; depth += 1) {
          const body = around(open.repeat(depth - 2) + last);
          expect(isSafeArray(body)).toBe(depth <= 8);
          check(body);
        }
      }
    }
  });

  it('does not overflow the stack, however deeply a body is nested', () => {
    for (const unit of ['91', '81a161', 'dd00000001', 'dc0001', '9191', '81']) {
      const bomb = bytes(unit.repeat(200_000));
      expect(isSafeArray(bomb)).toBe(false);
      expect(decodeBody(Buffer.concat([bytes('91'), bomb]))).toBeUndefined();
    }
  });
});

describe('counts', () => {
  it('larger than the body are refused without a loop', () => {
    const started = performance.now();
    for (let i = 0; i < 5_000; i += 1) {
      for (const header of [
        'dc ffff',
        'dd ffffffff',
        'dd 80000000',
        'dd 7fffffff',
        '91 dd ffffffff',
        '91 de ffff',
      ]) {
        expect(isSafeArray(bytes(`${header} 0101010101`))).toBe(false);
      }
      for (const type of ['df', 'c6', 'db']) expect(isSafeArray(around(`${type} ffffffff 0101`))).toBe(false);
    }
    // This takes either milliseconds or hours.
    expect(performance.now() - started).toBeLessThan(10_000);
  });

  it('that are off by one are refused', () => {
    for (const [count, verdict] of [[2, false] as const, [3, true] as const, [4, false] as const]) {
      expect(isSafeArray(bytes(`9${count} 010203`))).toBe(verdict);
      expect(isSafeArray(bytes(`dc 000${count} 010203`))).toBe(verdict);
      expect(isSafeArray(bytes(`dd 0000000${count} 010203`))).toBe(verdict);
      expect(isSafeArray(around(`8${count} a161 01 a162 02 a163 03`))).toBe(verdict);
      expect(isSafeArray(around(`de 000${count} a161 01 a162 02 a163 03`))).toBe(verdict);
      expect(isSafeArray(around(`df 0000000${count} a161 01 a162 02 a163 03`))).toBe(verdict);
      for (const type of ['c4 0', 'd9 0', 'c5 000', 'da 000', 'c6 0000000', 'db 0000000', 'a']) {
        expect(isSafeArray(around(`${type}${count} 616263`))).toBe(verdict);
      }
    }
  });
});

describe('arbitrary bytes', () => {
  it('get the same verdict as from the oracle, and accepted bodies decode to the same value', () => {
    for (let seed = 0; seed < 3_000; seed += 1) {
      const pick = startRandom(seed);
      const body = writeBody(pick, [0, 60, 15][seed % 3] ?? 0);
      check(body);
      check(mutate(pick, body, body));
    }
    fc.assert(fc.property(fc.uint8Array({ maxLength: 64 }), (drawn) => check(Buffer.from(drawn))));
    fc.assert(fc.property(fc.uint8Array({ maxLength: 64 }), (drawn) => check(Buffer.from([0x92, ...drawn]))));
  });

  it('get the same verdict when any one byte is changed to any other', () => {
    const bodies = [...examples.slice(1, 5).map(bodyOf), writeBody(startRandom(5), 0).subarray(0, 60)];
    for (const body of bodies) {
      for (let at = 0; at < body.length; at += 1) {
        const original = body[at] ?? 0;
        for (let value = 0; value < 256; value += 1) {
          body[at] = value;
          check(body);
        }
        body[at] = original;
      }
    }
  });
});
