/** Shows the progress of a load test: on a terminal as one line that is rewritten, elsewhere as one line per second. */

import { printable, shorten } from '../../common/printable.ts';
import { formatCount, formatNumber, formatSpan, shortDuration } from '../result/format.ts';
import type { Second } from '../result/result.ts';

/** `process.stderr`, or a substitute. */
export interface ProgressStream {
  readonly isTTY?: boolean | undefined;
  /** Read each time, because a window can be resized. */
  readonly columns?: number | undefined;
  /** True while the reader is behind. */
  readonly writableNeedDrain?: boolean | undefined;
  write(text: string): unknown;
}

const CLEAR_LINE = '\r\u001b[K';
const HIDE_CURSOR = '\u001b[?25l';
const SHOW_CURSOR = '\u001b[?25h';
const DEFAULT_COLUMNS = 80;

/** `end` must be called however the run ends, because it shows the cursor again. */
export class Progress {
  readonly #stream: ProgressStream;
  readonly #isLive: boolean;
  #errors = 0;
  /** The line on the terminal. */
  #line = '';
  #hasEnded = false;

  constructor(stream: ProgressStream) {
    this.#stream = stream;
    this.#isLive = stream.isTTY === true;
  }

  /** `secondsLeft`: undefined if unknown. */
  show(second: Second, secondsLeft: number | undefined): void {
    this.#errors += second.errors;
    this.#draw(describe(second, this.#errors, secondsLeft));
  }

  /** Prints a line that stays, such as what the run waits for, above the live line if there is one. */
  note(text: string): void {
    const line = printable(text);
    if (this.#line === '') this.#stream.write(`${line}\n`);
    else this.#stream.write(`${CLEAR_LINE}${line}\n${this.#fitting()}`);
  }

  /** Removes the live line. May be called more than once. */
  end(): void {
    if (this.#line !== '') this.#stream.write(`${CLEAR_LINE}${SHOW_CURSOR}`);
    this.#line = '';
    this.#hasEnded = true;
  }

  #draw(line: string): void {
    // Skipped while the reader is behind, so that its backlog does not grow with outdated lines.
    if (this.#hasEnded || this.#stream.writableNeedDrain === true) return;
    if (!this.#isLive) {
      this.#stream.write(`${line}\n`);
      return;
    }
    const start = this.#line === '' ? HIDE_CURSOR : '';
    this.#line = line;
    this.#stream.write(`${start}${CLEAR_LINE}${this.#fitting()}`);
  }

  /** Leaves one column free, because some terminals wrap when the last one is filled. */
  #fitting(): string {
    const columns = this.#stream.columns ?? DEFAULT_COLUMNS;
    return columns < 2 ? '' : shorten(this.#line, columns - 1);
  }
}

/** The most important figures come first, because a narrow terminal cuts off the end. */
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
