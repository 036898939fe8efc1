/**
 * The server log: pino on stderr, as JSON lines, or pretty-printed on a terminal. The main thread writes the lines of
 * all threads to one output that drops lines rather than block.
 *
 * Passwords, hashes, tokens and message texts MUST NOT be logged.
 */

import { isatty } from 'node:tty';
import { isMainThread } from 'node:worker_threads';
import { type DestinationStream, type Logger, pino } from 'pino';
import { LossyOutput } from './lossy-output.ts';

export const LOG_LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

/**
 * Characters that one thread may have waiting for the main thread. Policy at the limit: further lines are dropped and
 * counted.
 */
const MAX_WAITING = 1024 * 1024;

/** The output for the lines of all threads. Main thread only. */
export async function openLogOutput(): Promise<LossyOutput> {
  return new LossyOutput(2, {
    report: (lines) => reportDropped('main', lines),
    format: isatty(2) ? await prettyFormat() : undefined,
  });
}

/** The log of one thread. Only the main thread passes `output`; other threads send their lines to it. */
export function openLog(thread: string, level: LogLevel, output: DestinationStream = toMain(thread)): Logger {
  const log = pino({ level, base: { thread } }, output);
  // Replaces Node's own listener, which writes to stderr itself.
  process.removeAllListeners('warning');
  process.on('warning', (warning) => log.warn({ event: 'node.warning', err: warning }, warning.message));
  return log;
}

/** Node passes to the main thread what another thread writes to stderr, even if that thread dies of an exception. */
function toMain(thread: string): DestinationStream {
  if (isMainThread) throw new Error('the main thread has its own output');
  let dropped = 0;
  return {
    write(line) {
      if (process.stderr.writableLength > MAX_WAITING) {
        dropped += 1;
        return;
      }
      if (dropped > 0) process.stderr.write(reportDropped(thread, dropped));
      dropped = 0;
      process.stderr.write(line);
    },
  };
}

/** Always at level `warn`, whatever the log's level: it says that the log is incomplete. */
function reportDropped(thread: string, lines: number): string {
  const what = lines === 1 ? '1 log line was' : `${lines} log lines were`;
  const msg = `${what} dropped because the log could not be written`;
  return `${JSON.stringify({ level: 40, time: Date.now(), thread, event: 'log.dropped', lines, msg })}\n`;
}

/** Loaded only when needed, so that a server starts faster without it. */
async function prettyFormat(): Promise<(line: string) => string> {
  const { prettyFactory } = await import('pino-pretty');
  return prettyFactory({ singleLine: true, ignore: 'pid,hostname,event', translateTime: 'HH:MM:ss' });
}
