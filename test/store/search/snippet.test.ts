import { DatabaseSync } from 'node:sqlite';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseQuery, type Term, toMatch } from '../../../src/store/search/query.ts';
import { snippet } from '../../../src/store/search/snippet.ts';
import { wordsOf } from '../../../src/store/search/words.ts';

function terms(query: string): readonly Term[] {
  const parsed = parseQuery(query);
  if (parsed.type === 'refused') throw new Error(`${query}: ${parsed.text}`);
  return parsed.terms;
}

describe('a snippet', () => {
  it.each([
    ['tea', 'Tea?', ['', 'Tea', '?']],
    ['tea', 'More tea', ['More ', 'tea']],
    ['cafe', 'un CAFÉ, deux cafe\u0301s', ['un ', 'CAFÉ', ', deux cafe\u0301s']],
    ['caf*', 'un CAFÉ, deux cafe\u0301s', ['un ', 'CAFÉ', ', deux ', 'cafe\u0301s']],
    ['"good mor*"', 'good evening, good  morning', ['good evening, ', 'good morning']],
    ['good "good morning"', 'a good morning, good', ['a ', 'good morning', ', ', 'good']],
    ['"a a"', 'a a a', ['', 'a a a']],
    ['b a', 'one\na\r\n\r\nb\0c', ['one ', 'a', ' ', 'b', ' c']],
    ['b a', 'a b', ['', 'a', ' ', 'b']],
    ['京 東', '東京', ['', '東京']],
    ['京タ', '東京タワー', ['東', '京タ', 'ワー']],
    ['absent', 'nothing\nof it', ['nothing of it']],
  ])('for %j in %j is %j', (query, text, pieces) => {
    expect(snippet(text, terms(query))).toEqual(pieces);
  });

  it('is cut between words, around the first match', () => {
    const text = `${'alpha beta '.repeat(30)}needle ${'gamma delta '.repeat(300)}needle`;
    const [before = '', match, after = '', ...more] = snippet(text, terms('needle'));
    expect(match).toBe('needle');
    expect(before).toMatch(/^…(alpha |beta )+$/);
    expect(after).toMatch(/^( gamma| delta)+…$/);
    expect(more).toEqual([]);
    expect(before.length + after.length).toBeGreaterThan(120);
  });

  it('shows more of the beginning if the match is at the end', () => {
    const [before = '', match] = snippet(`${'alpha '.repeat(100)}needle`, terms('needle'));
    expect([match, before.length > 120]).toEqual(['needle', true]);
  });

  it('cuts a word that is too long without separating a character from its marks', () => {
    const accented = snippet('e\u0301'.repeat(1_000), terms('ee*'));
    expect(accented).toEqual(['', 'e\u0301'.repeat(80), '…']);
    const odd = snippet(`x${'𐐨'.repeat(2_000)}`, terms('x𐐨*'));
    expect(odd).toEqual(['', `x${'𐐨'.repeat(79)}`, '…']);
    const marks = snippet(`a${'\u0301'.repeat(4_000)}`, terms('a'));
    expect(marks).toEqual(['', `a${'\u0301'.repeat(159)}`, '…']);
    const wide = snippet(`a${'𑀀'.repeat(2_000)}`, terms('a𑀀*'));
    expect(wide).toEqual(['', `a${'𑀀'.repeat(79)}`, '…']);
    expect(snippet('🎉'.repeat(2_000), terms('absent'))).toEqual([`${'🎉'.repeat(80)}…`]);
  });

  const LETTERS = [
    'a',
    'b',
    'ab',
    'B',
    'é',
    'e\u0301',
    '東',
    '京',
    '𐐨',
    '🎉',
    ' ',
    ' ',
    '\n',
    '-',
    '\0',
    '\ud800',
  ];
  const pieces = (maxLength: number): fc.Arbitrary<string> =>
    fc.array(fc.constantFrom(...LETTERS), { maxLength }).map((list) => list.join(''));
  const anything = fc.oneof(pieces(60), pieces(2_000), fc.string({ unit: 'binary', maxLength: 300 }));

  it('is a part of the text of bounded length, without partial characters', () => {
    fc.assert(
      fc.property(anything, pieces(12), (raw, typed) => {
        // The text of a message is valid UTF-8.
        const text = raw.toWellFormed();
        const parsed = parseQuery(typed);
        const shown = snippet(text, parsed.type === 'query' ? parsed.terms : []);
        const joined = shown.join('');
        expect(joined.isWellFormed()).toBe(true);
        expect(joined.length).toBeLessThanOrEqual(162);
        expect(joined).not.toMatch(/[\n\0]|^…\p{M}/u);
        const body = joined.replace(/^…|…$/g, '');
        expect(text.replace(/[\s\p{Cc}]+/gu, ' ')).toContain(body.trim());
        if (text.length <= 160) expect(joined.replace(/ +/g, '')).toBe(text.replace(/[\s\p{Cc}]+/gu, ''));
        expect(shown.slice(1).every((piece) => piece !== '')).toBe(true);
      }),
      { numRuns: 2_000 },
    );
  });

  it('shows a match exactly where the index finds one', () => {
    const db = new DatabaseSync(':memory:');
    db.exec(`CREATE VIRTUAL TABLE search USING fts5(text, conversation, content='', tokenize='ascii')`);
    const insert = db.prepare('INSERT INTO search (rowid, text) VALUES (1, ?)');
    const find = db.prepare('SELECT rowid FROM search WHERE search MATCH ?');
    const seen = { found: 0, missed: 0 };
    const word = fc.constantFrom('a', 'ab', 'abc', 'Äb', 'ba', '東', '東京', 'b-a');
    const text = fc.array(word, { maxLength: 12 }).map((list) => list.join(' '));
    const term = fc
      .tuple(fc.array(word, { minLength: 1, maxLength: 3 }), fc.boolean())
      .map(([list, isStarred]) => `"${list.join(' ')}${isStarred ? '*' : ''}"`);
    fc.assert(
      fc.property(text, term, (body, typed) => {
        const parsed = parseQuery(typed);
        if (parsed.type === 'refused') return;
        db.exec(`INSERT INTO search (search) VALUES ('delete-all')`);
        insert.run(Array.from(wordsOf(body), ({ folded }) => folded).join(' '));
        const isFound = find.get(toMatch(parsed.terms)) !== undefined;
        expect(snippet(body, parsed.terms).length > 1).toBe(isFound);
        seen[isFound ? 'found' : 'missed'] += 1;
      }),
      { numRuns: 2_000 },
    );
    db.close();
    expect(seen.found).toBeGreaterThan(200);
    expect(seen.missed).toBeGreaterThan(200);
  });
});
