import { describe, expect, it } from 'vitest';
import { decodeBody } from '../../src/protocol/codec.ts';
import { isSafeArray } from '../../src/protocol/scan.ts';

/** Converts hexadecimal digits to bytes, ignoring blanks. */
function bytes(hex: string): Buffer {
  return Buffer.from(hex.replaceAll(' ', ''), 'hex');
}

/** An array whose only element is encoded as `hex`. */
function around(hex: string): Buffer {
  return bytes(`91${hex}`);
}

describe('text', () => {
  const fatal = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

  /** The bytes as a string; undefined if they are not UTF-8. */
  function decode(text: Buffer): string | undefined {
    try {
      return fatal.decode(text);
    } catch {
      return undefined;
    }
  }

  /** The same text in each form of string, as a value and as a key. */
  function checkText(text: Buffer): void {
    const size = text.length.toString(16);
    const headers = [`da ${size.padStart(4, '0')}`, `db ${size.padStart(8, '0')}`];
    if (text.length < 256) headers.push(`d9 ${size.padStart(2, '0')}`);
    if (text.length < 32) headers.push((0xa0 + text.length).toString(16));
    const expected = decode(text);
    for (const header of headers) {
      const string = Buffer.concat([bytes(header), text]);
      const [value, key] = [
        Buffer.concat([bytes('91'), string]),
        Buffer.concat([bytes('91 81'), string, bytes('01')]),
      ];
      if (isSafeArray(value) !== (expected !== undefined)) expect.fail(`differs on ${value.toString('hex')}`);
      if (isSafeArray(key) !== (expected !== undefined)) expect.fail(`differs on ${key.toString('hex')}`);
      if (expected === undefined) continue;
      expect(decodeBody(value)).toEqual([expected]);
      expect(Object.keys(decodeBody(key)?.[0] ?? {})).toEqual([expected]);
    }
  }

  it('agrees with TextDecoder on every sequence of two bytes', () => {
    const body = around('a2 0000');
    for (let pair = 0; pair < 0x10000; pair += 1) {
      body.writeUInt16BE(pair, 2);
      const expected = decode(body.subarray(2));
      if (isSafeArray(body) !== (expected !== undefined)) expect.fail(`differs on ${pair.toString(16)}`);
      if (expected !== undefined && decodeBody(body)?.[0] !== expected)
        expect.fail(`decodes ${pair.toString(16)}`);
    }
  });

  it('agrees with TextDecoder at the boundaries of all ranges, at the start, in the middle and at the end', () => {
    const edges = '00 7f 80 8f 90 9f a0 bf c0 c1 c2 df e0 e1 ec ed ee ef f0 f1 f3 f4 f5 f7 f8 ff'.split(' ');
    const fillings = ['', '61', '61'.repeat(60)];
    for (const lead of edges.slice(10)) {
      for (const second of edges) {
        for (const rest of ['', '80', 'bf', '8080', 'bfbf', '80c0', '7f80', '808080']) {
          for (const filling of fillings) checkText(bytes(filling + lead + second + rest + filling));
        }
      }
    }
  });

  it.each([
    ['an overlong NUL', 'c080'],
    ['an overlong slash', 'c0af'],
    ['an overlong euro sign', 'f08282ac'],
    ['a high surrogate', 'eda080'],
    ['a low surrogate', 'edbfbf'],
    ['a pair of surrogates', 'eda0bdedb880'],
    ['U+110000', 'f4908080'],
    ['a sequence of five', 'f888808080'],
    ['a sequence cut short', 'f09f98'],
    ['a stray continuation', '80'],
    ['Latin-1', 'e9'],
    ['UTF-16', 'fffe6100'],
  ])('refuses %s, at any place in a text of any length', (_what, hex) => {
    const bad = bytes(hex);
    for (const size of [0, 1, 15, 16, 30, 46, 47, 48, 49, 63, 64, 255, 300]) {
      const filling = Buffer.alloc(size, 'x');
      for (const text of [
        Buffer.concat([filling, bad]),
        Buffer.concat([bad, filling]),
        Buffer.concat([filling, bad, filling]),
      ]) {
        expect(decode(text)).toBeUndefined();
        checkText(text);
      }
    }
  });

  it('does not join a sequence across the end of a string', () => {
    expect(isSafeArray(bytes('92 a1 c3 a1 a9'))).toBe(false);
    expect(isSafeArray(bytes('92 a3 61f09f a2 9880'))).toBe(false);
    expect(isSafeArray(bytes('91 a1 c3 a9'))).toBe(false);
  });
});
