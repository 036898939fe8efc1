/** The reader thread. It owns the display file and is the only thread that writes to it. */

import { MessagePort } from 'node:worker_threads';
import { serve, threadData } from '../../actors/kernel/thread.ts';
import { cleanLine } from '../../common/escape-html.ts';
import { checkDisplay, type DisplayRefusal, openDisplay } from '../display/open-display.ts';
import { DisplayQueue, type DisplayStatus } from './display-queue.ts';
import { Reader } from './reader.ts';
import type { FromReader, ToReader } from './reader-link.ts';

export interface ReaderData {
  readonly port: MessagePort;
  readonly allEvents: boolean;
}

export interface ReaderApi {
  check(file: string, force: boolean): Promise<DisplayRefusal | undefined>;
  open(file: string, title: string, force: boolean): Promise<{ readonly type: 'open' } | DisplayRefusal>;
}

const { port, allEvents } = readData(threadData());
/** Only the last call counts: the caller of an earlier one has given up on it. */
let calls = 0;
const post = (message: FromReader): void => port.postMessage(message);

const displayQueue = new DisplayQueue((status) => post({ type: 'display_status', status }));
const reader = new Reader({ allEvents, post, displayQueue: displayQueue });
port.on('message', (message: ToReader) => reader.receive(message));

serve<ReaderApi>({
  check: checkDisplay,
  async open(file, title, force) {
    calls += 1;
    const call = calls;
    const report = (problem: string | undefined): void =>
      post({ type: 'display_status', status: describeLive(file, problem) });
    const opened = await openDisplay(file, { title, force, report });
    if (opened.type === 'refused') return opened;
    if (call !== calls) {
      await opened.display.close();
      return { type: 'refused', code: 'unwritable', text: `${file} took too long to open` };
    }
    displayQueue.open(opened.display, () => openDisplay(file, { title, keep: true, report }));
    return { type: 'open' };
  },
});

/** Describes a problem with the live file that open pages follow; undefined means that it is solved. */
function describeLive(file: string, problem: string | undefined): DisplayStatus {
  if (problem === undefined) return { type: 'recovered', text: 'open pages update by themselves again' };
  const what = 'an open page shows new messages only when you reload it';
  return {
    type: 'failed',
    text: `cannot write the live file beside ${cleanLine(file)}: ${problem}. Until then ${what}`,
  };
}

function readData(data: unknown): ReaderData {
  if (
    typeof data === 'object' &&
    data !== null &&
    'port' in data &&
    data.port instanceof MessagePort &&
    'allEvents' in data &&
    typeof data.allEvents === 'boolean'
  ) {
    return { port: data.port, allEvents: data.allEvents };
  }
  throw new Error('the reader thread must be started with a port');
}
