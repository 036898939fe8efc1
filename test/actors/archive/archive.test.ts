/** The archive reads through its interface alone, whether that answers at once or later. */

import { setTimeout as sleep } from 'node:timers/promises';
import { pino } from 'pino';
import { expect, it, onTestFinished } from 'vitest';
import { archive } from '../../../src/actors/archive/archive.ts';
import { Indexer } from '../../../src/actors/archive/indexer.ts';
import { StorageFailure } from '../../../src/chat/projection.ts';
import { decodeBody } from '../../../src/protocol/codec.ts';
import { HEADER_BYTES } from '../../../src/protocol/vocabulary.ts';
import type { ArchiveStore } from '../../../src/store/archive-store.ts';
import { Archive } from '../../../src/store/sqlite/archive.ts';
import { openProjection } from '../../../src/store/sqlite/projection.ts';
import { openIndex } from '../../store/search/open-index.ts';
import { append } from '../../support/append.ts';
import { testFolder } from '../../support/folder.ts';

const folder = testFolder();
const LATER_MS = 5;
const REQUEST = { type: 'request', destination: 'archive' } as const;

/** A store elsewhere, which needs a while for each answer, and fails when it is told to. */
class DistantStore implements ArchiveStore {
  readonly #store: Archive;
  isDown = false;

  constructor(store: Archive) {
    this.#store = store;
  }

  get lastId(): Promise<number> {
    return this.#later((store) => store.lastId);
  }

  intervals(...args: Parameters<Archive['intervals']>) {
    return this.#later((store) => store.intervals(...args));
  }

  find(...args: Parameters<Archive['find']>) {
    return this.#later((store) => store.find(...args));
  }

  replay(...args: Parameters<Archive['replay']>) {
    return this.#later((store) => store.replay(...args));
  }

  history(...args: Parameters<Archive['history']>) {
    return this.#later((store) => store.history(...args));
  }

  read(...args: Parameters<Archive['read']>) {
    return this.#later((store) => store.read(...args));
  }

  async #later<T>(ask: (store: Archive) => T): Promise<T> {
    await sleep(LATER_MS);
    if (this.isDown) throw new StorageFailure('the store does not answer');
    return ask(this.#store);
  }
}

it('replays, looks back and searches in a store that answers later, and refuses while it does not', async () => {
  const log = openProjection(`${folder}/chat.db`);
  const local = new Archive(`${folder}/chat.db`);
  onTestFinished(() => {
    local.close();
    log.close();
  });
  const [ann] = append(log, { accounts: [{ name: 'ann', guest: false }] }).accounts;
  if (ann === undefined) throw new Error('nobody');
  const draft = { kind: 'direct', account: ann.id, user: 'ann', peer: ann.id, peerName: 'ann' } as const;
  append(log, { drafts: [{ ...draft, text: 'green tea', key: null, origin: null }] });

  const store = new DistantStore(local);
  const logger = pino({ level: 'silent' });
  const { index } = openIndex(`${folder}/search.db`, 10_000);
  const { answers } = archive({ store, index, indexer: new Indexer(local, index, logger), logger });
  const ask = async () => [
    await answers.replay(ann.id, 0),
    await answers.answer(ann.id, { ...REQUEST, verb: 'history', id: 1, values: ['ann', null, null] }),
    await answers.answer(ann.id, { ...REQUEST, verb: 'search', id: 2, values: ['tea', null, null, null] }),
  ];
  const answered = await ask();
  const frames = answered.map((answer) => {
    if (answer.type !== 'page') expect.fail(JSON.stringify(answer));
    const bytes = 'frames' in answer ? answer.frames : answer.frame;
    return decodeBody(Buffer.from(bytes).subarray(HEADER_BYTES));
  });
  const [message] = log.readAfter(0, 1);
  const said = [message?.id, message?.at, 'ann', 'ann'];
  expect(frames).toEqual([
    ['message', ...said, 'green tea'],
    ['ok', 1, [[[...said, 'green tea']], null]],
    ['ok', 2, [[[...said, ['green ', 'tea']]], null, true]],
  ]);
  store.isDown = true;
  expect(await ask()).toEqual(Array(3).fill({ type: 'refused', code: 'unavailable' }));
});
