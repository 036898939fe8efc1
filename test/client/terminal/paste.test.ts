import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type InputPiece, PASTE_LIMIT, PasteSplitter } from '../../../src/client/terminal/paste.ts';

const START = '\u001b[200~';
const END = '\u001b[201~';

/** The pieces of bytes that arrive in chunks of these texts. Consecutive keys are joined. */
function split(...chunks: readonly string[]): unknown[] {
  return splitBytes(chunks.map((chunk) => Buffer.from(chunk)));
}

function splitBytes(chunks: readonly Buffer[], splitter = new PasteSplitter()): unknown[] {
  const pieces: Array<Exclude<InputPiece, { type: 'keys' }> | { type: 'keys'; text: string }> = [];
  for (const piece of chunks.flatMap((chunk) => splitter.push(chunk))) {
    const last = pieces.at(-1);
    if (piece.type !== 'keys') pieces.push(piece);
    else if (last?.type === 'keys') last.text += piece.bytes.toString('latin1');
    else if (piece.bytes.length > 0) pieces.push({ type: 'keys', text: piece.bytes.toString('latin1') });
  }
  return pieces;
}

const keys = (text: string) => ({ type: 'keys', text });
const paste = (text: string, isCleaned = false) => ({ type: 'paste', text, isCleaned });

describe('PasteSplitter', () => {
  it('separates a paste from keys before and after it', () => {
    expect(split(`ab${START}one\rtwo${END}c\r`)).toEqual([
      keys(`ab${START}`),
      paste('one\ntwo'),
      keys('c\r'),
    ]);
  });

  it('passes on escape sequences that begin like a marker', () => {
    for (const text of ['\u001b[20~', '\u001b[A', '\u001b\u001b[2~', 'x\u001b']) {
      expect(split(text)).toEqual([keys(text)]);
    }
    expect(split(`\u001b\u001b[20${START}x${END}`)).toEqual([keys(`\u001b\u001b[20${START}`), paste('x')]);
  });

  it('does not depend on how the bytes are split', () => {
    const part = fc.oneof(
      fc.constantFrom(START, END, '\u001b', '[200~', '[201~', '/quit\r', '\n', 'é', '😀'),
      fc.string({ maxLength: 4 }),
    );
    // An end marker after the end of a paste counts only in the same read: see below.
    const session = fc
      .array(fc.tuple(part, part), { maxLength: 6 })
      .map((pairs) => pairs.map(([typed, pasted]) => `${bare(typed)}${START}${bare(pasted)}${END}`).join(''));
    fc.assert(
      fc.property(session, fc.array(fc.nat(60), { maxLength: 8 }), (text, cuts) => {
        const bytes = Buffer.from(text);
        const at = [0, ...cuts.map((cut) => Math.min(cut, bytes.length)), bytes.length].sort((a, b) => a - b);
        const chunks = at.slice(1).map((end, index) => bytes.subarray(at[index], end));
        expect(splitBytes(chunks)).toEqual(splitBytes([bytes]));
      }),
    );
  });

  it('treats an end marker within the pasted text as text, if all arrived at once', () => {
    const [, pasted, ...rest] = split(`${START}harmless${END}/quit\rrm -r .\r${END}x`);
    expect(pasted).toEqual(paste('harmless/quit\nrm -r .\n'.trimEnd(), true));
    expect(rest).toEqual([keys('x')]);
    expect(split(`${START}a${END}b${START}c${END}`)).toEqual([
      keys(START),
      paste('a'),
      keys(`b${START}`),
      paste('c'),
    ]);
  });

  it('normalizes line breaks, and removes a final one', () => {
    const text = (pasted: string) => split(`${START}${pasted}${END}`)[1];
    expect(text('a\r\nb\rc\nd')).toEqual(paste('a\nb\nc\nd'));
    expect(text('a\u2028b\u2029c\u0085d')).toEqual(paste('a\nb\nc\nd'));
    expect(text('\r\r  // a\r\r\t/b \r\r')).toEqual(paste('\n\n  // a\n\n\t/b \n'));
    expect(text('/join tea\r')).toEqual(paste('/join tea'));
    expect(text('\ufeffa')).toEqual(paste('a'));
  });

  it('removes control characters, and says so', () => {
    const text = (pasted: string) => split(`${START}${pasted}${END}`)[1];
    expect(text('a\u001b[31mred\u001b[0m\u0007\u0000\u009b\u007f')).toEqual(paste('ared', true));
    expect(text('tab\tand 👩‍👩‍👧 and שלום')).toEqual(paste('tab\tand 👩‍👩‍👧 and שלום'));
  });

  it('keeps only the size of a paste above the limit, and continues after it', () => {
    const splitter = new PasteSplitter();
    const chunk = Buffer.alloc(10_000, 'x');
    const chunks = [Buffer.from(START), ...Array.from({ length: 50 }, () => chunk), Buffer.from(`${END}y`)];
    expect(splitBytes(chunks, splitter)).toEqual([
      keys(START),
      { type: 'oversize', bytes: 500_000 },
      keys('y'),
    ]);
    const most = 'x'.repeat(PASTE_LIMIT);
    expect(split(START, most, END)).toEqual([keys(START), paste(most)]);
    expect(split(START, most, `x${END}`)).toEqual([
      keys(START),
      { type: 'oversize', bytes: PASTE_LIMIT + 1 },
    ]);
  });

  it('cancels a paste that does not end on Ctrl-C, if it arrives alone', () => {
    expect(split(START, 'a\u0003b', '\u0003', 'c')).toEqual([keys(START), { type: 'dropped' }, keys('c')]);
  });
});

/** Without anything that is or becomes a marker. */
function bare(text: string): string {
  return ['\u001b', '~', '\u0003'].reduce((left, taken) => left.replaceAll(taken, ''), text);
}
