import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FrameDecoder, frameBody, readSize, writeSize } from '../../src/protocol/frame.ts';

/** The rule for headers again, as a regular expression over 8 characters. */
function readPlainly(header: Buffer): number {
  const text = header.toString('latin1');
  return /^[1-9][0-9]{0,6} +$/.test(text) ? Number(text) : -1;
}

describe('readSize', () => {
  const headers = [
    '1       ',
    '9       ',
    '42      ',
    '4096    ',
    '65536   ',
    '123456  ',
    '1234567 ',
    '9999999 ',
  ];

  it('agrees with a regular expression for every value of every byte', () => {
    for (const text of headers) {
      for (let at = 0; at < 8; at += 1) {
        for (let value = 0; value < 256; value += 1) {
          const header = Buffer.from(text);
          header[at] = value;
          if (readSize(header, 0) !== readPlainly(header))
            expect.fail(`differs on ${JSON.stringify(header)}`);
        }
      }
    }
  });

  it('agrees with a regular expression on any 8 relevant characters, at any offset', () => {
    const characters = fc.constantFrom(...'0123456789  \t\n\r\0+-.,eExX/:_', '\xa0', '\xb1', '\xff');
    const digitsAndBlanks = fc
      .tuple(fc.stringMatching(/^[0-9]{0,8}$/), fc.constantFrom(' ', '\t', '\0', '0'))
      .map(([digits, filling]) => digits.padEnd(8, filling));
    const header = fc.oneof(fc.array(characters, { minLength: 8, maxLength: 8 }), digitsAndBlanks);
    fc.assert(
      fc.property(header, fc.nat(9), (drawn, offset) => {
        const bytes = Buffer.from([...drawn].join(''), 'latin1');
        const around = Buffer.concat([Buffer.alloc(offset, '7'), bytes, Buffer.from('7 7')]);
        expect(readSize(around, offset)).toBe(readPlainly(bytes));
      }),
      { numRuns: 3_000 },
    );
  });

  it.each([
    ['zero', '0       '],
    ['a leading zero', '01      '],
    ['a minus', '-1      '],
    ['a leading blank', ' 1      '],
    ['no blank after 8 digits', '12345678'],
    ['tabs for blanks', '1\t\t\t\t\t\t\t'],
    ['an exponent', '1e3     '],
    ['another protocol', 'GET / HT'],
    ['a TLS greeting', '\x16\x03\x01\x02\x00\x01\x00\x01'],
  ])('refuses %s', (_what, header) => {
    expect(readSize(Buffer.from(header, 'latin1'), 0)).toBe(-1);
    const decoder = new FrameDecoder(65_536);
    decoder.push(Buffer.from(header, 'latin1'));
    expect(decoder.next()).toEqual({ type: 'fault', fault: 'bad_frame' });
  });

  it('refuses a truncated header', () => {
    for (let size = 0; size < 8; size += 1)
      expect(readSize(Buffer.from('42      ').subarray(0, size), 0)).toBe(-1);
  });
});

describe('writeSize', () => {
  it('writes the integer and blanks to the first 8 bytes only, for every number of digits', () => {
    const sizes = Array.from({ length: 12_000 }, (_, i) => i + 1);
    for (let power = 10; power <= 1_000_000; power *= 10)
      sizes.push(power * 10 - 2, power * 10 - 1, power, power + 1);
    for (const size of sizes) {
      const frame = Buffer.alloc(10, 'x');
      writeSize(frame, size);
      if (frame.toString() !== `${String(size).padEnd(8)}xx`) expect.fail(`wrote ${frame} for ${size}`);
      expect(readSize(frame, 0)).toBe(size);
    }
  });
});

describe('frameBody', () => {
  it('puts the header before the body and does not modify the body', () => {
    const body = Buffer.from('hello');
    const frame = frameBody(body);
    body.fill(0);
    expect(frame.toString()).toBe('5       hello');
  });
});
