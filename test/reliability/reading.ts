/** What a person can read through the protocol: the replay from the beginning, and the history page by page. */

import { until } from '../support/process.ts';
import type { Findings } from './campaign.ts';
import { passwordOf } from './cheap-users.ts';
import { Asker, type Frame } from './link.ts';
import type { Viewer } from './oracle.ts';
import type { StoredMessage } from './stored.ts';

/** Hundreds of thousands of messages, on a machine that has other things to do. */
const REPLAY_MS = 300_000;

/** Checks both against all that the person must see, in order. */
export async function checkReading(
  port: number,
  viewer: Viewer,
  due: readonly StoredMessage[],
  findings: Findings,
): Promise<void> {
  const asker = await compareReplay(port, viewer.name, due, findings);
  for (const [conversation, messages] of conversationsOf(viewer, due)) {
    const history = await readHistory(asker, conversation);
    compare(`the history of ${viewer.name} with ${conversation}`, history, messages, findings);
  }
  asker.destroy();
}

/** Logs in as one who knows nothing yet, and checks what is replayed; the connection. */
export async function compareReplay(
  port: number,
  name: string,
  due: readonly StoredMessage[],
  findings: Findings,
): Promise<Asker> {
  const asker = await Asker.open(port);
  await asker.ok('login', name, passwordOf(name), 0);
  const isLive = (): boolean => asker.events.slice(-50).some((event) => event[0] === 'live');
  await until(`the replay of ${name} to end`, isLive, { timeoutMs: REPLAY_MS });
  const replayed = asker.events.filter((event) => event[0] === 'message').map(fromEvent);
  compare(`the replay of ${name}`, replayed, due, findings);
  return asker;
}

/** The whole history, oldest first. */
export async function readHistory(asker: Asker, conversation: string): Promise<Read[]> {
  const read: Read[] = [];
  let before: unknown = null;
  do {
    const page: unknown = await asker.ok('history', conversation, before, 500);
    if (!Array.isArray(page) || !Array.isArray(page[0]))
      throw new Error(`a page is no page: ${JSON.stringify(page)}`);
    for (const message of page[0]) if (Array.isArray(message)) read.push(fromPage(message));
    before = page[1];
  } while (before !== null && before !== undefined);
  return read.reverse();
}

type Read = Omit<StoredMessage, 'key'>;

function compare(what: string, read: readonly Read[], due: readonly Read[], findings: Findings): void {
  const at = due.findIndex(({ id, from, to, text }, index) => {
    const other = read[index];
    return other?.id !== id || other.from !== from || other.to !== to || other.text !== text;
  });
  if (at === -1 && read.length === due.length) return;
  const place = at === -1 ? due.length : at;
  findings.report(
    'not readable',
    `${what}: ${read.length} messages for ${due.length}; message ${place} is ${JSON.stringify(read[place])} for ${JSON.stringify(due[place])}`,
  );
}

function conversationsOf(
  { name, rooms }: Viewer,
  due: readonly StoredMessage[],
): Map<string, StoredMessage[]> {
  return Map.groupBy(due, ({ from, to }) => (rooms.has(to) || from === name ? to : from));
}

function fromEvent([, id, , from, to, text]: Frame): Read {
  return { id: Number(id), from: String(from), to: String(to), text: String(text) };
}

function fromPage([id, , from, to, text]: Frame): Read {
  return { id: Number(id), from: String(from), to: String(to), text: String(text) };
}
