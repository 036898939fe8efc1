import { describe, expect, it } from 'vitest';
import type { Second } from '../../../src/load/result/result.ts';
import { Progress } from '../../../src/load/run/progress.ts';
import { sampleResult } from '../result/sample-result.ts';

const [first] = sampleResult({ phases: [{ kind: 'warm_up', seconds: 1 }] }).series;
if (first === undefined) throw new Error('a run of one second has one');
const second: Second = {
  ...first,
  connections: 500,
  sent: 50,
  delivered: 1_500,
  errors: 0,
  deliverP50: 1.2,
  deliverP99: 8.4,
};

/** A terminal that knows what carriage returns and clearing do to a line. */
class FakeTerminal {
  written = '';
  columns: number | undefined = 80;
  readonly isTTY: boolean;

  constructor(isTTY: boolean) {
    this.isTTY = isTTY;
  }

  write(text: string): boolean {
    this.written += text;
    return true;
  }

  get hasCursor(): boolean {
    return this.written.lastIndexOf('\u001b[?25h') >= this.written.lastIndexOf('\u001b[?25l');
  }

  /** What is on the screen. */
  get lines(): string[] {
    return this.written
      .replaceAll('\u001b[?25h', '')
      .replaceAll('\u001b[?25l', '')
      .split('\n')
      .map((line) => line.slice(line.lastIndexOf('\u001b[K') + 1).replace(/^\[K/, ''));
  }
}

describe('progress on a terminal', () => {
  it('is one line that is rewritten and removed at the end', () => {
    const terminal = new FakeTerminal(true);
    const progress = new Progress(terminal);
    expect(terminal.written).toBe('');
    progress.show(second, 61);
    expect(terminal.lines).toEqual([
      'warm up  1 min 1 s left  500 connected  50 sent/s  1,500 delivered/s  p50 1.2 …',
    ]);
    expect(terminal.hasCursor).toBe(false);
    terminal.columns = 200;
    progress.show({ ...second, phase: 'steady' }, 60);
    expect(terminal.lines).toEqual([
      'steady  1 min left  500 connected  50 sent/s  1,500 delivered/s  p50 1.2 ms  p99 8.4 ms',
    ]);
    progress.end();
    expect(terminal.lines).toEqual(['']);
    expect(terminal.hasCursor).toBe(true);
  });

  it.each([1, 2, 20, 79])('never fills a line of %d columns, so that it cannot wrap', (columns) => {
    const terminal = new FakeTerminal(true);
    terminal.columns = columns;
    new Progress(terminal).show({ ...second, connections: 1_000_000, errors: 99 }, 3_600);
    const [line = ''] = terminal.lines;
    expect(line.length).toBeLessThan(columns);
    expect(line.length).toBeGreaterThanOrEqual(Math.min(columns, 60) - 2);
  });

  it('adds up the errors of all seconds', () => {
    const terminal = new FakeTerminal(true);
    terminal.columns = 200;
    const progress = new Progress(terminal);
    progress.show(second, undefined);
    expect(terminal.lines[0]).not.toMatch(/error|left/);
    progress.show({ ...second, errors: 1 }, 5);
    expect(terminal.lines[0]).toMatch(/ {2}1 error$/);
    progress.show({ ...second, errors: 2, deliverP50: null, deliverP99: null }, 4);
    expect(terminal.lines[0]).toMatch(/delivered\/s {2}3 errors$/);
  });

  it('prints notes above the line', () => {
    const terminal = new FakeTerminal(true);
    const progress = new Progress(terminal);
    progress.note('before');
    progress.show(second, 3);
    progress.note('mid\u001b[2Jst');
    progress.end();
    progress.note('after');
    expect(terminal.lines).toEqual(['before', 'mid[2Jst', 'after', '']);
  });

  it('restores the cursor once, and shows nothing afterwards', () => {
    const terminal = new FakeTerminal(true);
    const progress = new Progress(terminal);
    progress.show(second, 3);
    progress.end();
    const written = terminal.written;
    progress.end();
    progress.show(second, 2);
    expect(terminal.written).toBe(written);
  });

  it('writes nothing at its end if it has shown nothing', () => {
    const terminal = new FakeTerminal(true);
    new Progress(terminal).end();
    expect(terminal.written).toBe('');
  });
});

describe('progress in a pipe', () => {
  it('is a whole line for each second, without control characters', () => {
    const pipe = new FakeTerminal(false);
    pipe.columns = undefined;
    const progress = new Progress(pipe);
    progress.show(second, 2);
    progress.show({ ...second, phase: 'steady' }, 1);
    progress.end();
    expect(pipe.written).toBe(
      'warm up  2 s left  500 connected  50 sent/s  1,500 delivered/s  p50 1.2 ms  p99 8.4 ms\n' +
        'steady  1 s left  500 connected  50 sent/s  1,500 delivered/s  p50 1.2 ms  p99 8.4 ms\n',
    );
  });

  it('skips lines while the reader is behind', () => {
    const reader = Object.assign(new FakeTerminal(false), { writableNeedDrain: false });
    const progress = new Progress(reader);
    progress.show(second, 9);
    reader.writableNeedDrain = true;
    progress.show(second, 8);
    reader.writableNeedDrain = false;
    progress.show(second, 7);
    expect(reader.written.match(/\d+ s left/g)).toEqual(['9 s left', '7 s left']);
  });
});
