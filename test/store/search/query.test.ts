import { DatabaseSync } from 'node:sqlite';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseQuery, type Term, toMatch } from '../../../src/store/search/query.ts';
import { wordsOf } from '../../../src/store/search/words.ts';

const words = (...list: string[]): Term => ({ words: list, isPrefix: false });
const prefix = (...list: string[]): Term => ({ words: list, isPrefix: true });
const refusal = (query: string): string => {
  const parsed = parseQuery(query);
  return parsed.type === 'refused' ? parsed.text : 'not refused';
};

describe('a query', () => {
  it.each([
    ['Hello world', [words('hello'), words('world')]],
    ['"Hello,  World"', [words('hello', 'world')]],
    ['say "good morning"all', [words('say'), words('good', 'morning'), words('all')]],
    ['“good morning” „gute Nacht“', [words('good', 'morning'), words('gute', 'nacht')]],
    ['hel* Émi*', [prefix('hel'), prefix('emi')]],
    ['"good mor*" "good mor"*', [prefix('good', 'mor'), prefix('good', 'mor')]],
    ['"5 * 3"', [words('5', '3')]],
    ['a AND b OR NOT c NEAR', ['a', 'and', 'b', 'or', 'not', 'c', 'near'].map((word) => words(word))],
    ['NEAR(a b)', [words('near', 'a'), words('b')]],
    ['conversation:c1 {text}:x', [words('conversation', 'c1'), words('text', 'x')]],
    ['-a +b ^c (d) & e', ['a', 'b', 'c', 'd', 'e'].map((word) => words(word))],
    ["don't v1.2.3", [words('don', 't'), words('v1', '2', '3')]],
    ['東京', [words('東', '京')]],
    ['東京*', [words('東', '京')]],
    ['\0a\u0007b', [words('a', 'b')]],
    ['\ud800a', [words('a')]],
  ])('%j is accepted', (query, terms) => {
    expect(parseQuery(query)).toEqual({ type: 'query', terms });
  });

  it.each([
    ['', /nothing to search for/],
    [' \n ', /nothing to search for/],
    ['!? - … 🎉', /nothing to search for/],
    ['""', /nothing to search for/],
    ['"open', /not closed/],
    ['a "b" c"', /not closed/],
    ['*', /star/],
    ['a * b', /star/],
    ['foo-*', /star/],
    ['foo*bar', /star/],
    ['*foo', /star/],
    ['foo**', /star/],
    ['a*', /at least 2/],
    ['"foo b*"', /at least 2/],
    ['é*', /at least 2/],
    ['a b c d e f g h i j k l m n o p q', /more than 16/],
    [`"${'a '.repeat(33)}"`, /32 words in total/],
    [`a b "${'c '.repeat(31)}"`, /32 words in total/],
    ['ab* cd* ef* gh* ij*', /more than 4 prefixes/],
    ['x'.repeat(257), /256 bytes/],
    ['東'.repeat(86), /256 bytes/],
  ])('%j is refused', (query, reason) => {
    expect(refusal(query)).toMatch(reason);
  });

  it('may have 16 terms, 32 words, 4 prefixes and 256 bytes', () => {
    expect(parseQuery('a b c d e f g h i j k l m n o p').type).toBe('query');
    expect(parseQuery('x'.repeat(256)).type).toBe('query');
    expect(parseQuery(`"${'a '.repeat(32)}"`).type).toBe('query');
    expect(parseQuery('a b c d e f g h i j k l ab* cd* ef* gh*').type).toBe('query');
  });
});

/** What someone who knows FTS5 would try, and arbitrary text. */
const syntax = fc.constantFrom(
  ...['"', '""', '*', '^', '+', '-', ':', '(', ')', '{', '}', 'AND', 'OR', 'NOT', 'NEAR(', ', 3)'],
  ...[
    'text',
    'conversation',
    '{text}',
    'c1',
    "'",
    ';',
    '\\',
    '\0',
    '\u2028',
    '“',
    '\ud800',
    '\udc00',
    ' ',
    '東',
  ],
);
const query = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc.array(fc.oneof(syntax, fc.string({ unit: 'grapheme', maxLength: 5 }))).map((parts) => parts.join('')),
  fc.array(fc.integer({ min: 0, max: 0xffff })).map((codes) => String.fromCharCode(...codes)),
);

describe('the expression for FTS5', () => {
  it('finds what was asked for, is never an error, and never reaches the other column', () => {
    const db = new DatabaseSync(':memory:');
    db.exec(`CREATE VIRTUAL TABLE search USING fts5(text, conversation, content='', tokenize='ascii')`);
    const insert = db.prepare('INSERT INTO search (rowid, text, conversation) VALUES (?, ?, ?)');
    const rows = db.prepare('SELECT rowid FROM search WHERE search MATCH ? ORDER BY rowid');
    const find = (match: string): unknown[] => rows.all(match).map(({ rowid }) => rowid);
    let understood = 0;
    fc.assert(
      fc.property(query, (typed) => {
        const parsed = parseQuery(typed);
        if (parsed.type === 'refused') return;
        understood += 1;
        const text = Array.from(wordsOf(typed), ({ folded }) => folded).join(' ');
        db.exec(`INSERT INTO search (search) VALUES ('delete-all')`);
        insert.run(1, text, 'c1');
        insert.run(2, '', `c2 ${text}`);
        insert.run(3, text, 'c2');
        const match = toMatch(parsed.terms);
        expect(find(match)).toEqual([1, 3]);
        expect(find(`${match} AND {conversation} : (c2 OR c3)`)).toEqual([3]);
      }),
      { numRuns: 2_000 },
    );
    db.close();
    expect(understood).toBeGreaterThan(400);
  });
});
