import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import { describe, expect, it } from 'vitest';
import { toMatch } from '../../../src/store/search/query.ts';
import type { SearchIndex } from '../../../src/store/search/search-index.ts';
import { testFolder } from '../../support/folder.ts';
import { openIndex } from './open-index.ts';
import { ALL, expected, fill, findAll, makeRows, termsOf, whole } from './search-rows.ts';

const folder = testFolder();
let files = 0;
const newFile = (): string => `${folder}/${++files}.db`;

describe('an unusable index', () => {
  const rows = makeRows(500, 3);
  const asked = { query: 'tea', intervals: whole(1, 2, 3) };

  /** Rebuilt and empty, with one warning, and as good as any other once it is filled. */
  function expectAnew(
    { index, warnings }: { index: SearchIndex; warnings: readonly string[] },
    reason: RegExp,
  ): void {
    expect(warnings).toEqual([expect.stringMatching(/rebuilding .+ from the log/)]);
    expect(warnings[0]).toMatch(reason);
    expect(index.indexed).toBe(0);
    expect(findAll(index, asked)).toEqual([]);
    fill(index, rows);
    expect(findAll(index, asked)).toEqual(expected(rows, asked));
  }

  it('is rebuilt if it belongs to another log', () => {
    const { index, warnings, reopen } = openIndex(newFile());
    fill(index, rows);
    expectAnew({ index: reopen((id) => id !== rows.at(-1)?.id), warnings }, /another log/);
  });

  it('is rebuilt if it has another version', () => {
    const { index, file, warnings, reopen } = openIndex(newFile());
    fill(index, rows);
    index.close();
    const db = new DatabaseSync(file);
    db.exec(`UPDATE state SET version = 'of tomorrow'`);
    db.close();
    expectAnew({ index: reopen(), warnings }, /another version/);
  });

  it('is rebuilt if it is another program’s database', () => {
    const file = newFile();
    const db = new DatabaseSync(file);
    db.exec('CREATE TABLE recipes (name TEXT)');
    db.close();
    const { index, warnings } = openIndex(file);
    expectAnew({ index, warnings }, /no such table/);
  });

  it('is rebuilt if it contradicts itself', () => {
    const { index, file, warnings, reopen } = openIndex(newFile());
    fill(index, rows);
    index.close();
    const db = new DatabaseSync(file);
    db.exec('DELETE FROM parts');
    db.close();
    const again = reopen();
    expect(again.add([], rows.at(-1)?.id ?? 0)).toEqual({ type: 'added' });
    const next = { id: (rows.at(-1)?.id ?? 0) + 1, at: 0, conversation: 1, text: 'tea' };
    expect(again.add([next], next.id)).toEqual({ type: 'reopened' });
    expectAnew({ index: again, warnings }, /already exists/);
  });

  it('is created in an empty file without a warning', () => {
    const file = newFile();
    writeFileSync(file, '');
    const { index, warnings } = openIndex(file);
    fill(index, rows);
    expect(findAll(index, asked)).toEqual(expected(rows, asked));
    expect(warnings).toEqual([]);
  });

  it('is reported if it can be neither opened nor deleted, does no harm, and continues once it can', () => {
    const file = newFile();
    mkdirSync(`${file}/in the way`, { recursive: true });
    const { index, warnings } = openIndex(file);
    expect(index.indexed).toBe(0);
    expect(index.add(rows.slice(0, 1), rows[0]?.id ?? 0)).toMatchObject({ type: 'storage_failed' });
    const search = { match: toMatch(termsOf('tea')), intervals: [], before: ALL, limit: 1, budgetMs: 1 };
    expect(index.find(search)).toMatchObject({ type: 'storage_failed' });
    expect(index.remove(5)).toMatchObject({ type: 'storage_failed' });
    expect(warnings).toEqual([expect.stringMatching(/cannot be opened/)]);
    rmSync(file, { recursive: true });
    fill(index, rows);
    expect(findAll(index, asked)).toEqual(expected(rows, asked));
  });

  it('waits for a process that has it open, deletes nothing, and then continues', () => {
    const first = openIndex(newFile());
    fill(first.index, rows);
    const second = openIndex(first.file);
    expect(second.warnings).toEqual([expect.stringMatching(/cannot be opened: database is locked/)]);
    expect(second.index.add(rows, rows.at(-1)?.id ?? 0)).toMatchObject({ type: 'storage_failed' });
    first.index.close();
    expect(second.index.add(rows, rows.at(-1)?.id ?? 0)).toEqual({ type: 'reopened' });
    expect(second.index.indexed).toBe(rows.at(-1)?.id);
    expect(findAll(second.index, asked)).toEqual(expected(rows, asked));
  });
});
