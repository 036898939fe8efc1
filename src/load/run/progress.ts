/** What a running load test is at: one line that is rewritten on a terminal, one line a second elsewhere. */

import { printable, shorten } from '../../common/printable.ts';
import { formatCount, formatNumber, formatSpan, shortDuration } from '../result/format.ts';
import type { Second } from '../result/result.ts';

/** `process.stderr`, or what stands for it. */
export interface ProgressStream {
  readonly isTTY?: boolean | undefined;
  /** Read each time, since a window can be resized. */
  readonly columns?: number | undefined;
  /** Whoever reads is behind. */
  readonly writableNeedDrain?: boolean | undefined;
  write(text: string): unknown;
}

const CLEAR_LINE = '\r\u001b[K';
const HIDE_CURSOR = '\u001b[?25l';
const SHOW_CURSOR = '\u001b[?25h';
const USUAL_COLUMNS = 80;

/** `end` has to be called however the run ends: it gives the cursor back. */
export class Progress {
  readonly #stream: ProgressStream;
  readonly #isLive: boolean;
  #errors = 0;
  /** What stands on the terminal now. */
  #line = '';
  #hasEnded = false;

  constructor(stream: ProgressStream) {
    this.#stream = stream;
    this.#isLive = stream.isTTY === true;
  }

  /** `secondsLeft`: undefined if nobody knows. */
  show(second: Second, secondsLeft: number | undefined): void {
    this.#errors += second.errors;
    this.#draw(describe(second, this.#errors, secondsLeft));
  }

  /** A line that stays, such as what is being waited for; above the live line where there is one. */
  note(text: string): void {
    const line = printable(text);
    if (this.#line === '') this.#stream.write(`${line}\n`);
    else this.#stream.write(`${CLEAR_LINE}${line}\n${this.#fitting()}`);
  }

  /** Leaves nothing of the live line behind. May be called again. */
  end(): void {
    if (this.#line !== '') this.#stream.write(`${CLEAR_LINE}${SHOW_CURSOR}`);
    this.#line = '';
    this.#hasEnded = true;
  }

  #draw(line: string): void {
    // A reader who does not read must not make what waits for it grow: what was told meanwhile is out of date, anyway.
    if (this.#hasEnded || this.#stream.writableNeedDrain === true) return;
    if (!this.#isLive) {
      this.#stream.write(`${line}\n`);
      return;
    }
    const start = this.#line === '' ? HIDE_CURSOR : '';
    this.#line = line;
    this.#stream.write(`${start}${CLEAR_LINE}${this.#fitting()}`);
  }

  /** One column stays free: some terminals wrap when the last one is filled. */
  #fitting(): string {
    const columns = this.#stream.columns ?? USUAL_COLUMNS;
    return columns < 2 ? '' : shorten(this.#line, columns - 1);
  }
}

/** The first is what matters most, since the end is what is cut off. */
function describe(second: Second, errors: number, secondsLeft: number | undefined): string {
  const { deliverP50, deliverP99 } = second;
  const delivery =
    deliverP50 === null || deliverP99 === null
      ? []
      : [`p50 ${shortDuration(deliverP50)}`, `p99 ${shortDuration(deliverP99)}`];
  return [
    printable(second.phase.replaceAll('_', ' ')),
    ...(secondsLeft === undefined ? [] : [`${formatSpan(Math.max(0, Math.ceil(secondsLeft)))} left`]),
    `${formatCount(second.connections)} connected`,
    `${formatNumber(second.sent)} sent/s`,
    `${formatNumber(second.delivered)} delivered/s`,
    ...delivery,
    ...(errors > 0 ? [`${formatCount(errors)} ${errors === 1 ? 'error' : 'errors'}`] : []),
  ].join('  ');
}
