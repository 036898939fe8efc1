/** Brings a search index up to date with its log, as an idle server does. */

import { pino } from 'pino';
import { Indexer } from '../src/actors/archive/indexer.ts';
import type { DataFolder } from '../src/store/files/data-folder.ts';
import { SearchIndex } from '../src/store/search/search-index.ts';
import { Archive } from '../src/store/sqlite/archive.ts';

/** Throws if the index is incomplete afterwards. */
export async function indexBacklog({ chatDb, searchDb }: DataFolder): Promise<void> {
  const archive = new Archive(chatDb);
  const warn = (text: string): void => console.error(text);
  const index = new SearchIndex({ file: searchDb, has: (id) => archive.has(id), warn });
  try {
    await new Indexer(archive, index, pino({ level: 'silent' })).run();
    if (index.indexed < archive.lastId) throw new Error('the search index could not be completed');
  } finally {
    index.close();
    archive.close();
  }
}
