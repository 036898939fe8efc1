/** A client without its terminal: session, command runner, reader and display, with the reader in this thread. */

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { MessageChannel } from 'node:worker_threads';
import { afterAll, beforeAll } from 'vitest';
import { startThread, type Thread, threadFile } from '../../src/actors/kernel/thread.ts';
import { CommandRunner } from '../../src/client/commands/command-runner.ts';
import type { Result } from '../../src/client/commands/result.ts';
import type { WriterApi } from '../../src/client/commands/writer.worker.ts';
import { openDisplay } from '../../src/client/display/open-display.ts';
import { DisplayQueue } from '../../src/client/reader/display-queue.ts';
import { Names } from '../../src/client/reader/known-names.ts';
import { Reader } from '../../src/client/reader/reader.ts';
import { type FromReader, ReaderLink, type ToReader } from '../../src/client/reader/reader-link.ts';
import { Session } from '../../src/client/session/session.ts';
import type { Event } from '../../src/protocol/vocabulary.ts';

export interface HeadlessClient {
  readonly session: Session;
  readonly readerLink: ReaderLink;
  /** What `--json` would print. */
  readonly events: Event[];
  /** The result of each line, in order of arrival. */
  readonly results: Result[];
  /**
   * Allows the display to be written; before that, everything waits. Done at once unless the client was started without
   * it.
   */
  open(): void;
  /** Logs in, with as many attempts as it takes. */
  logIn(): Promise<void>;
  /** Types a line; resolves when the next one may be typed. */
  type(line: string): Promise<void>;
  /** The current content of the file. */
  page(): string;
  /** Logs out, and closes the display. */
  quit(): Promise<void>;
}

const WRITER = new URL('../../src/client/commands/typed-command.ts', import.meta.url).href;

/** Call at the top of a test file. A single writer thread suffices, because it keeps no state between lines. */
export function useHeadlessClients(
  folder: string,
): (port: number, display?: 'open' | 'closed') => Promise<HeadlessClient> {
  let writer: Thread<WriterApi> | undefined;
  let started = 0;
  beforeAll(async () => {
    const started = await startThread<WriterApi>('writer', threadFile('./writer.worker.ts', WRITER), {});
    if (started.type === 'started') writer = started.thread;
  });
  afterAll(() => writer?.kill());
  return async (port, display = 'open') => {
    if (writer === undefined) throw new Error('the writer thread has not started');
    started += 1;
    const client = await startHeadlessClient(port, join(folder, `client-${started}.html`), writer);
    if (display === 'open') client.open();
    return client;
  };
}

/** A reader in this thread, with a display that has yet to be opened. */
export async function startReader(
  file: string,
  allEvents: boolean,
  receive: (message: Extract<FromReader, { type: 'frames' | 'protocol_error' | 'ended' }>) => void,
): Promise<{ readonly readerLink: ReaderLink; open(): void }> {
  const opened = await openDisplay(file, { title: 'alice' });
  if (opened.type === 'refused') throw new Error(opened.text);
  const { port1, port2 } = new MessageChannel();
  const post = (message: FromReader): void => port2.postMessage(message);
  const displayQueue = new DisplayQueue((status) => post({ type: 'display_status', status }));
  const reader = new Reader({ allEvents, post, displayQueue });
  port2.on('message', (message: ToReader) => reader.receive(message));
  const readerLink = new ReaderLink(port1, (message) => {
    if (message.type === 'frames' || message.type === 'protocol_error' || message.type === 'ended') {
      receive(message);
    }
  });
  const open = () =>
    displayQueue.open(opened.display, () => openDisplay(file, { title: 'alice', keep: true }));
  return { readerLink, open };
}

async function startHeadlessClient(
  port: number,
  file: string,
  writer: Thread<WriterApi>,
): Promise<HeadlessClient> {
  const user = 'alice';
  const events: Event[] = [];
  const results: Result[] = [];
  const { readerLink, open } = await startReader(file, true, (message) => {
    if (message.type === 'frames') events.push(...message.events);
    session.receive(message);
  });
  const session = new Session({ host: '127.0.0.1', port }, readerLink, {
    changed() {},
    connection() {},
    over() {},
  });
  const desk = new CommandRunner({
    session,
    readerLink,
    names: { people: new Names(), rooms: new Names() },
    writer,
    displayFile: file,
    isScript: false,
    askPassword: () => Promise.resolve(undefined),
    print() {},
    waitFor: () => Promise.resolve(false),
    quit() {},
  });
  return {
    session,
    readerLink,
    events,
    results,
    open,
    async logIn() {
      const credentials = {
        type: 'account',
        user,
        password: `secret of ${user}`,
        register: false,
      } as const;
      for (;;) {
        const outcome = await session.logIn(credentials);
        if (outcome.type === 'logged_in') return;
        if (outcome.type === 'refused') throw new Error(outcome.text);
      }
    },
    async type(line) {
      const { finished } = await desk.start(line);
      void finished.then((result) => result && results.push(result));
    },
    page: () => readFileSync(file, 'utf8'),
    async quit() {
      await readerLink.whenWritten(5_000);
      await session.quit();
      await readerLink.close(5_000);
    },
  };
}

/** The ids and texts of the messages in a page, in the order of ids. Pending and failed ones have no id. */
export function messagesOf(page: string): Array<{ readonly id: number | null; readonly text: string }> {
  const stored = new Map(
    [...page.matchAll(/data-kind="stored" data-tag="([^"]*)" data-id="(\d+)"/g)].map(([, tag, id]) => [
      tag,
      Number(id),
    ]),
  );
  const shown = [
    ...page.matchAll(/data-kind="message"([^>]*)>.*?<div class="text" dir="auto">(.*?)<\/div>/gs),
  ];
  return shown
    .map(([, attributes = '', text = '']) => {
      const id = /data-id="(\d+)"/.exec(attributes)?.[1];
      const tag = /data-tag="([^"]*)"/.exec(attributes)?.[1];
      return { id: id === undefined ? (stored.get(tag) ?? null) : Number(id), text };
    })
    .sort((a, b) => (a.id ?? Number.POSITIVE_INFINITY) - (b.id ?? Number.POSITIVE_INFINITY));
}
