import { join } from 'node:path';
import { expect, it } from 'vitest';
import { LossyOutput } from '../../src/common/lossy-output.ts';
import { Fifo } from '../support/fifo.ts';
import { testFolder } from '../support/folder.ts';
import { until } from '../support/process.ts';

const folder = testFolder();
let fifos = 0;

function newFifo(): Fifo {
  fifos += 1;
  return new Fifo(join(folder, `fifo-${fifos}`));
}

const report = (lines: number): string => `dropped ${lines}\n`;

for (const isSync of [false, true]) {
  it(`waits for a slow reader, then drops the newest lines and reports how many (isSync: ${isSync})`, async () => {
    const fifo = newFifo();
    const output = new LossyOutput(fifo.writer, { isSync, report });
    const line = (i: number): string => `${i} ${'x'.repeat(1_000)}`;
    for (let i = 0; i < 6_000; i += 1) output.write(`${line(i)}\n`);
    expect(await output.flush(50)).toBe(false);
    const read = await until('the report', () => /^dropped (\d+)$/m.test(fifo.text()) && fifo.text());
    const lines = read.trimEnd().split('\n');
    const dropped = Number(lines.pop()?.split(' ')[1]);
    expect(dropped).toBeGreaterThan(0);
    expect(lines).toEqual(Array.from({ length: 6_000 - dropped }, (_, i) => line(i)));
    output.write('and on');
    await until('the next line', () => fifo.text().endsWith('and on\n'));
  });

  it(`drops lines while the reader is gone, and tears none (isSync: ${isSync})`, async () => {
    const fifo = newFifo();
    const output = new LossyOutput(fifo.writer, { isSync, report });
    output.write('first\n');
    // Longer than the pipe's buffer: the reader leaves after it got a part of it.
    const long = 'y'.repeat(200_000);
    output.write(`${long}\n`);
    await until('a part of the long line', () => fifo.text().length > 1_000);
    fifo.abandon();
    await until('the failure', () => output.fault?.code === 'EPIPE');
    output.write('one\ntwo\n');
    output.write('three\n');
    expect(await output.flush(1_000)).toBe(false);
    fifo.adopt();
    const read = await until('the report', () => fifo.text().endsWith('dropped 3\n') && fifo.text());
    expect(read.startsWith('first\ny')).toBe(true);
    expect(read).toMatch(/^first\ny+\ndropped 3\n$/);
    output.write('four');
    await until('the next line', () => fifo.text().endsWith('dropped 3\nfour\n'));
  });
}

it('reports once, however often writing fails', async () => {
  const fifo = newFifo();
  const output = new LossyOutput(fifo.writer, { report });
  fifo.abandon();
  for (let i = 0; i < 5; i += 1) {
    output.write(`line ${i}\n`);
    expect(await output.flush(1_000)).toBe(false);
  }
  fifo.adopt();
  await until('the report', () => fifo.text() === 'dropped 5\n');
  expect(await output.flush(1_000)).toBe(true);
});
