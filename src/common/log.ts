/**
 * The server's log: pino on stderr, JSON lines, or pretty on a terminal. The main thread writes the lines of all threads, to
 * one output that drops lines rather than hold anybody up.
 *
 * Never given to it: passwords, hashes, tokens, and the text of messages.
 */

import { isatty } from 'node:tty';
import { isMainThread } from 'node:worker_threads';
import { type DestinationStream, type Logger, pino } from 'pino';
import { LossyOutput } from './lossy-output.ts';

export const LOG_LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

/** Characters that one thread has waiting for the main thread. Policy at the limit: further lines are dropped and counted. */
const MAX_WAITING = 1024 * 1024;

/** Where the lines of all threads go. Only in the main thread. */
export async function openLogOutput(): Promise<LossyOutput> {
  return new LossyOutput(2, {
    report: (lines) => reportDropped('main', lines),
    format: isatty(2) ? await prettyFormat() : undefined,
  });
}

/** The log of a thread. `output` is for the main thread only; the others hand their lines to it. */
export function openLog(thread: string, level: LogLevel, output: DestinationStream = toMain(thread)): Logger {
  const log = pino({ level, base: { thread } }, output);
  // In place of Node's own listener, which writes to stderr itself.
  process.removeAllListeners('warning');
  process.on('warning', (warning) => log.warn({ event: 'node.warning', err: warning }, warning.message));
  return log;
}

/** Node hands to the main thread what another thread writes to its stderr, also when that thread dies of an exception. */
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

/** At level `warn`, whatever the log's own level is: it tells that the log is not whole. */
function reportDropped(thread: string, lines: number): string {
  const what = lines === 1 ? '1 log line was' : `${lines} log lines were`;
  const msg = `${what} dropped: the log could not be written`;
  return `${JSON.stringify({ level: 40, time: Date.now(), thread, event: 'log.dropped', lines, msg })}\n`;
}

/** Loaded only where it is used: a server starts faster without it. */
async function prettyFormat(): Promise<(line: string) => string> {
  const { prettyFactory } = await import('pino-pretty');
  return prettyFactory({ singleLine: true, ignore: 'pid,hostname,event', translateTime: 'HH:MM:ss' });
}
