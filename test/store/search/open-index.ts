/** A search index under test, which can be opened again and is closed when the test has run. */

import { onTestFinished } from 'vitest';
import { SearchIndex } from '../../../src/store/search/search-index.ts';

export interface OpenIndex {
  readonly index: SearchIndex;
  readonly file: string;
  readonly warnings: string[];
  reopen(has?: (id: number) => boolean): SearchIndex;
}

export function openIndex(file: string, partSize = 200): OpenIndex {
  const warnings: string[] = [];
  const warn = (text: string): unknown => warnings.push(text);
  let index = new SearchIndex({ file, has: () => true, warn, partSize });
  onTestFinished(() => index.close());
  const reopen = (has = (_: number): boolean => true): SearchIndex => {
    index.close();
    index = new SearchIndex({ file, has, warn, partSize });
    return index;
  };
  return { index, file, warnings, reopen };
}
