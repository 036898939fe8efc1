/** Reads the tables of docs/protocol.md, and checks that the tests cover them. */

import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import type { Connection, Fields } from './independent-client.ts';

export const PAGE = readFileSync(new URL('../../docs/protocol.md', import.meta.url), 'utf8');

/** The words of the tables that a test file other than protocol.test.ts has to cover. */
export const COMING_BACK = ['resume', 'seen', 'delivered', 'bad_token'];
export const LOOKING_BACK = ['history', 'search', 'bad_query'];

/** The rows of the first table after a heading, as cells. */
export function table(heading: string): string[][] {
  const lines = PAGE.slice(PAGE.indexOf(`\n## ${heading}\n`))
    .split('\n')
    .slice(2);
  const start = lines.findIndex((line) => line.startsWith('|'));
  const rows = lines.slice(start + 2);
  return rows
    .slice(
      0,
      rows.findIndex((line) => !line.startsWith('|')),
    )
    .map((row) =>
      row
        .slice(1, -1)
        .split('|')
        .map((cell) => cell.trim()),
    );
}

/** The words in backquotes in the first column of a table. */
export function named(heading: string): string[] {
  return table(heading).flatMap(([first = '']) =>
    [...first.matchAll(/`([^`]+)`/g)].map(([, word = '']) => word),
  );
}

/**
 * Checks that the tests of a file cover the tables, because a promise that nobody tests may be false. Call it at the end of
 * the file. `isMine`: whether this file has to cover a word.
 */
export function holdTables(connections: readonly Connection[], isMine: (word: string) => boolean): void {
  const received = (): Fields[] => connections.flatMap(({ frames }) => frames.map(({ value }) => value));
  const unmet = (heading: string, met: ReadonlySet<unknown>): string[] =>
    named(heading).filter((word) => isMine(word) && !met.has(word));

  describe('the tables', () => {
    it('allow everything that the server sent, and each request got one answer', async () => {
      await Promise.all(connections.map(({ ended }) => Promise.race([ended, Promise.resolve()])));
      // A second answer would be left over. Connections without verbs are those that wrote their bytes by hand.
      const asking = connections.filter(({ verbs }) => verbs.size > 0);
      expect(asking.flatMap(({ events }) => events).filter(({ name }) => name === 'ok')).toEqual([]);
    });

    it('of commands: the tests sent every one', () => {
      expect(unmet('Commands', new Set(connections.flatMap(({ verbs }) => [...verbs])))).toEqual([]);
    });

    it('of events: the server sent every one, and no other', () => {
      const came = new Set(received().map(([name]) => name));
      // The page does not say when the server sends a notice, and a client cannot provoke one.
      expect(unmet('Events', came)).toEqual(['notice'].filter(isMine));
      expect([...came].filter((name) => !['ok', 'error', ...named('Events')].includes(String(name)))).toEqual(
        [],
      );
    });

    it('of errors: the server sent all that a client can provoke, and no other', () => {
      const codes = new Set(
        received()
          .filter(([name]) => name === 'error')
          .map(([, , code]) => code),
      );
      expect(unmet('Error codes', codes)).toEqual(
        ['storage_full', 'storage_failed', 'timed_out'].filter(isMine),
      );
      expect([...codes].filter((code) => !named('Error codes').includes(String(code)))).toEqual([]);
    });

    it('of farewells: the server sent all except those that take a minute or a fault to provoke', () => {
      const codes = new Set(
        received()
          .filter(([name]) => name === 'bye')
          .map(([, code]) => code),
      );
      // On a busy machine the tests may take the minute.
      codes.add('login_timeout');
      expect(unmet('Farewells', codes)).toEqual(['failed'].filter(isMine));
      expect([...codes].filter((code) => !named('Farewells').includes(String(code)))).toEqual([]);
    });
  });
}
