/**
 * The server's log: pino on stderr, JSON lines, or pretty on a terminal. Each thread writes its own lines.
 *
 * Never given to it: passwords, hashes, tokens, and the text of messages.
 */

import { isatty } from 'node:tty';
import { type Logger, pino } from 'pino';

export const LOG_LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

/**
 * Bytes that wait for a reader of stderr who does not read. Policy when they are reached: further lines are
 * dropped, because a log must not hold up chat.
 */
const MAX_WAITING = 4 * 1024 * 1024;

export async function openLog(thread: string, level: LogLevel): Promise<Logger> {
  const options = { level, base: { thread } };
  if (isatty(2)) {
    // Loaded only where it is used: a server starts faster without it.
    const { default: pretty } = await import('pino-pretty');
    return pino(
      options,
      pretty({
        destination: 2,
        sync: true,
        singleLine: true,
        ignore: 'pid,hostname,event',
        translateTime: 'HH:MM:ss',
      }),
    );
  }
  return pino(options, pino.destination({ fd: 2, sync: false, maxLength: MAX_WAITING }));
}
