import { pino } from 'pino';
import { expect, it, onTestFinished } from 'vitest';
import { Indexer } from '../../../src/actors/archive/indexer.ts';
import { Archive } from '../../../src/store/sqlite/archive.ts';
import { openProjection } from '../../../src/store/sqlite/projection.ts';
import { openIndex } from '../../store/search/open-index.ts';
import { append } from '../../support/append.ts';
import { testFolder } from '../../support/folder.ts';

const folder = testFolder();

it('pauses under heavy traffic, and then indexes everything', async () => {
  const log = openProjection(`${folder}/chat.db`);
  const archive = new Archive(`${folder}/chat.db`);
  onTestFinished(() => {
    archive.close();
    log.close();
  });
  const { index } = openIndex(`${folder}/search.db`, 10_000);
  const indexer = new Indexer(archive, index, pino({ level: 'silent' }));
  const [ann] = append(log, { accounts: [{ name: 'ann', guest: false }] }).accounts;
  const say = (count: number): void => {
    const draft = { kind: 'direct', account: ann?.id ?? 0, user: 'ann', peer: ann?.id ?? 0 } as const;
    const said = { ...draft, peerName: 'ann', text: 'tea', key: null, origin: null };
    append(log, { drafts: new Array(count).fill(said) });
  };

  // A few entries are indexed at once.
  await indexer.run();
  say(100);
  await indexer.run();
  expect(index.indexed).toBe(log.lastId);

  const before = log.lastId;
  say(5_000);
  await indexer.run();
  expect(index.indexed).toBe(before);
  say(2_500);
  await indexer.run();
  expect(index.indexed).toBe(before);
  say(10);
  await indexer.run();
  expect(index.indexed).toBe(log.lastId);
});
