/**
 * Measures the effect of reading old messages on other users' chat: the time from a send to its acknowledgement on an idle
 * server, and while another client continuously reads a long history, receives a replay, or searches. The kinds alternate;
 * reports medians of the rounds. The reader runs in a thread with low priority, because in production it is another machine whose
 * CPU time does not matter.
 *
 *   node bench/paging.ts [--messages 1000000] [--rounds 5] [--seconds 4]
 */

import { once } from 'node:events';
import { mkdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { parseArgs } from 'node:util';
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';
import { lowerPriority } from '../src/actors/kernel/thread-priority.ts';
import { openProjection } from '../src/store/sqlite/projection.ts';
import { append } from '../test/support/append.ts';
import { TestClient } from '../test/support/client.ts';
import { startServer } from '../test/support/server.ts';
import { type Latency, measureChat } from './chat-latency.ts';
import { median } from './spread.ts';

const ROOM = '#long';
const BATCH = 10_000;
const WORDS = 'the tea is hot and the rain has come again today over every hill of this old town'.split(' ');

interface Reading {
  readonly address: string;
  readonly ms: number;
  readonly kind: 'nothing' | 'history' | 'replay' | 'search';
}

interface Round extends Latency {
  /** Pages or searches per second. */
  readonly reads: number;
}

if (isMainThread) await compare();
else parentPort?.postMessage(await read(workerData));

async function compare(): Promise<void> {
  const { values } = parseArgs({
    options: {
      messages: { type: 'string', default: '1000000' },
      rounds: { type: 'string', default: '5' },
      seconds: { type: 'string', default: '4' },
    },
  });
  const ms = Number(values.seconds) * 1_000;
  const data = `${tmpdir()}/parley-paging-${process.pid}`;
  const first = await startServer({ data, args: ['--log-level', 'warn'] });
  for (const user of ['ann', 'ben']) {
    const client = await TestClient.register(first.address, user);
    await client.ok('join', ROOM);
  }
  await first.stop();
  fill(`${data}/chat.db`, Number(values.messages));
  const server = await startServer({ data, args: ['--log-level', 'warn', '--commands-per-second', '0'] });
  try {
    const ann = await TestClient.connect(server.address);
    await ann.ok('login', 'ann', 'secret of ann', Number.MAX_SAFE_INTEGER);
    await indexed(ann);
    const kinds = ['nothing', 'history', 'replay', 'search'] as const;
    const rounds = new Map<string, Round[]>(kinds.map((kind) => [kind, []]));
    for (let round = 0; round < Number(values.rounds); round += 1) {
      for (const kind of kinds) {
        const thread = new Worker(new URL(import.meta.url), {
          workerData: { address: server.address, ms, kind } satisfies Reading,
        });
        const ended = once(thread, 'message');
        const latency = await measureChat(ann, 'ann', ms);
        const [reads] = await ended;
        rounds.get(kind)?.push({ ...latency, reads: (reads * 1_000) / ms });
      }
    }
    console.log(`${values.messages} messages, ${values.rounds} rounds of ${ms} ms; Node ${process.version}`);
    for (const [kind, of] of rounds) console.log(describe(kind, of));
  } finally {
    await server.stop();
    rmSync(data, { recursive: true, force: true });
  }
}

function fill(file: string, messages: number): void {
  mkdirSync(file.slice(0, file.lastIndexOf('/')), { recursive: true });
  const log = openProjection(file);
  const room = log.load().room(ROOM);
  const ben = log.load().account('ben');
  if (room === undefined || ben === undefined) throw new Error('the room has no members');
  const word = (): string => WORDS[Math.floor(Math.random() * WORDS.length)] ?? '';
  for (let done = 0; done < messages; done += BATCH) {
    const drafts = Array.from({ length: BATCH }, (_, i) => ({
      kind: 'message' as const,
      account: ben.id,
      user: ben.name,
      room: room.id,
      roomName: room.name,
      text: `${done + i} ${Array.from({ length: 10 }, word).join(' ')}`,
      key: null,
      origin: null,
    }));
    append(log, { drafts });
  }
  log.close();
}

/** Waits until the search index is complete. */
async function indexed(client: TestClient): Promise<void> {
  for (;;) {
    const page: unknown = await client.ok('search', 'tea', null, null, 1);
    if (Array.isArray(page) && page[2] === true) return;
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
}

/** Reads continuously and returns the number of reads. */
async function read({ address, ms, kind }: Reading): Promise<number> {
  lowerPriority();
  const client = await TestClient.connect(address);
  await client.ok('login', 'ben', 'secret of ben', kind === 'replay' ? 0 : Number.MAX_SAFE_INTEGER);
  const end = performance.now() + ms;
  let before: unknown = null;
  let reads = 0;
  while (performance.now() < end) {
    if (kind === 'nothing' || kind === 'replay') {
      await new Promise((resolve) => setTimeout(resolve, 100));
      reads = client.events.length / 10;
      continue;
    }
    const page: unknown =
      kind === 'history'
        ? await client.ok('history', ROOM, before, 500)
        : await client.ok('search', WORDS[reads % WORDS.length], null, null, 50);
    before = Array.isArray(page) && kind === 'history' ? page[1] : null;
    reads += 1;
  }
  client.close();
  return reads;
}

function describe(kind: string, rounds: readonly Round[]): string {
  const of = (pick: (round: Round) => number): string => median(rounds.map(pick)).toFixed(2);
  return `${kind.padEnd(8)} p50 ${of((r) => r.p50)} ms   p99 ${of((r) => r.p99)} ms   ${of((r) => r.reads)} reads/s`;
}
