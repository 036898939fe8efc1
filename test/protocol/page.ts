/** What docs/protocol.md says in its tables, and whether the tests have met it. */

import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import type { Connection, Fields } from './independent-client.ts';

export const PAGE = readFileSync(new URL('../../docs/protocol.md', import.meta.url), 'utf8');

/** The words of the tables that one of these files has to meet; protocol.test.ts has to meet all others. */
export const COMING_BACK = ['resume', 'seen', 'delivered', 'bad_token'];
export const LOOKING_BACK = ['history', 'search', 'bad_query'];

/** The rows of the first table behind a heading, as cells. */
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
 * Call at the end of a test file: what its tests never met would be a table of promises that nobody tried. `isMine` tells
 * which words are for this file to meet.
 */
export function holdTables(connections: readonly Connection[], isMine: (word: string) => boolean): void {
  const received = (): Fields[] => connections.flatMap(({ frames }) => frames.map(({ value }) => value));
  const unmet = (heading: string, met: ReadonlySet<unknown>): string[] =>
    named(heading).filter((word) => isMine(word) && !met.has(word));

  describe('the tables', () => {
    it('came with nothing that the page does not allow, and with one answer to a request', async () => {
      await Promise.all(connections.map(({ ended }) => Promise.race([ended, Promise.resolve()])));
      // A second answer would be left over; connections without verbs are those that wrote their bytes by hand.
      const asking = connections.filter(({ verbs }) => verbs.size > 0);
      expect(asking.flatMap(({ events }) => events).filter(({ name }) => name === 'ok')).toEqual([]);
    });

    it('of commands: every one was sent', () => {
      expect(unmet('Commands', new Set(connections.flatMap(({ verbs }) => [...verbs])))).toEqual([]);
    });

    it('of events: every one came, and no other', () => {
      const came = new Set(received().map(([name]) => name));
      // The page does not say when a notice comes, and nothing that a client can do makes one.
      expect(unmet('Events', came)).toEqual(['notice'].filter(isMine));
      expect([...came].filter((name) => !['ok', 'error', ...named('Events')].includes(String(name)))).toEqual(
        [],
      );
    });

    it('of errors: all came that can be provoked from outside, and no other', () => {
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

    it('of farewells: all came but those that need a minute or a fault', () => {
      const codes = new Set(
        received()
          .filter(([name]) => name === 'bye')
          .map(([, code]) => code),
      );
      expect(unmet('Farewells', codes)).toEqual(['login_timeout', 'failed'].filter(isMine));
      expect([...codes].filter((code) => !named('Farewells').includes(String(code)))).toEqual([]);
    });
  });
}
