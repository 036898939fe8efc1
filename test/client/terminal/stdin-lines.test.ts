import { Readable } from 'node:stream';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type InputLine, readLines } from '../../../src/client/terminal/stdin-lines.ts';

async function linesOf(chunks: readonly Buffer[], limit = 1_000): Promise<InputLine[]> {
  return Array.fromAsync(readLines(Readable.from(chunks), limit));
}

function line(text: string): InputLine {
  return { type: 'line', text };
}

describe('readLines', () => {
  it('reads the same byte by byte as at once', async () => {
    const bytes = Buffer.from('one\r\ntwö 💥\n\nlast');
    const expected = [line('one'), line('twö 💥'), line(''), line('last')];
    expect(await linesOf([bytes])).toEqual(expected);
    expect(await linesOf([...bytes].map((byte) => Buffer.from([byte])))).toEqual(expected);
  });

  it('does not depend on how the input is split', async () => {
    const text = fc.string({ unit: 'grapheme' }).map((any) => any.replace(/[\r\n\ufeff]/g, ''));
    await fc.assert(
      fc.asyncProperty(fc.array(text), fc.array(fc.nat(200)), async (texts, cuts) => {
        const bytes = Buffer.from(texts.map((any) => `${any}\n`).join(''));
        const at = [0, ...cuts.map((cut) => Math.min(cut, bytes.length)).sort((a, b) => a - b), bytes.length];
        const chunks = at.slice(1).map((end, index) => bytes.subarray(at[index], end));
        expect(await linesOf(chunks)).toEqual(texts.map(line));
      }),
    );
  });

  it('skips a line that is too long, and continues after it', async () => {
    const long = Buffer.from(`ok\n${'x'.repeat(50)}`);
    const chunks = [long, long.subarray(3), Buffer.from('xyz\nnext\n')];
    expect(await linesOf(chunks, 20)).toEqual([line('ok'), { type: 'too_long' }, line('next')]);
    expect(await linesOf([Buffer.from('x'.repeat(50))], 20)).toEqual([{ type: 'too_long' }]);
  });

  it('removes a byte order mark at the start, and nowhere else', async () => {
    const bytes = Buffer.from('\ufeff/join #tea\n\ufeffhello\n');
    const expected = [line('/join #tea'), line('\ufeffhello')];
    expect(await linesOf([bytes])).toEqual(expected);
    expect(await linesOf([...bytes].map((byte) => Buffer.from([byte])))).toEqual(expected);
  });

  it('replaces invalid UTF-8 with U+FFFD', async () => {
    expect(await linesOf([Buffer.from([0x61, 0xff, 0x0a])])).toEqual([line('a\ufffd')]);
  });
});
