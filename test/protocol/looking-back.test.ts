/** Checks docs/protocol.md: `history` and `search`. */

import { describe, expect, it } from 'vitest';
import { until } from '../support/process.ts';
import { array, expectRefusals, number, send, text, useCompany } from './company.ts';
import type { Connection, Request, Value } from './independent-client.ts';
import { holdTables, LOOKING_BACK } from './page.ts';

const BEYOND = Number.MAX_SAFE_INTEGER;

const { connections, open, account } = useCompany();

interface Page {
  readonly rows: readonly Value[][];
  readonly next: number | null;
}

/** A page, newest first. */
function page(rows: Value | undefined, next: Value | undefined): Page {
  const read = array(rows).map(array);
  const ids = read.map(([id]) => number(id));
  expect(ids).toEqual([...new Set(ids)].sort((one, other) => other - one));
  return { rows: read, next: next === null ? null : number(next) };
}

async function history(by: Connection, ...rest: Value[]): Promise<Page> {
  const [rows, next, ...more] = array(await by.ask('history', ...rest));
  expect(more).toEqual([]);
  return page(rows, next);
}

/** A page of hits, from an index that contains every message stored before. */
async function search(by: Connection, ...rest: Value[]): Promise<Page> {
  const [rows, next] = await until('a complete search', async () => {
    const answer = array(await by.ask('search', ...rest));
    expect(answer).toHaveLength(3);
    expect([true, false]).toContain(answer[2]);
    return answer[2] === true && answer;
  });
  return page(rows, next);
}

/** All pages from the newest to the oldest. */
async function toTheEnd(get: (before: number | null) => Promise<Page>): Promise<Page[]> {
  const all: Page[] = [];
  for (let before: number | null = null; ; ) {
    const got = await get(before);
    all.push(got);
    if (got.next === null) return all;
    before = got.next;
  }
}

const rowsOf = (pages: readonly Page[]): Value[][] => pages.flatMap(({ rows }) => rows);
const texts = ({ rows }: Page): (Value | undefined)[] => rows.map(([, , , , said]) => said);

/** Sends the texts, and returns the ids of the messages. */
async function say(by: Connection, to: string, said: readonly string[]): Promise<number[]> {
  const answers = await Promise.all(by.pipeline(said.map((each): Request => ['send', to, each])));
  return answers.map((answer) => number(array(answer)[0]));
}

/** The texts of the hits, complete because the messages are shorter than a snippet. */
async function found(by: Connection, ...rest: Value[]): Promise<string[]> {
  return (await search(by, ...rest)).rows.map(([, , , , snippet]) => array(snippet).map(text).join(''));
}

describe('history', () => {
  it('returns the messages between two people, newest first, to both', async () => {
    const [ann, ben, cat] = [await account('ann'), await account('ben'), await account('cat')];
    const one = await send(ann, 'ben', 'one', 'a key');
    const two = await send(ben, 'ann', 'two');
    await send(cat, 'ann', 'not of Ben');
    await send(ann, 'ann', 'a note');
    const three = await send(ann, 'ben', 'three');
    const whole = [
      [three.id, three.at, 'ann', 'ben', 'three'],
      [two.id, two.at, 'ben', 'ann', 'two'],
      [one.id, one.at, 'ann', 'ben', 'one'],
    ];
    expect(await history(ann, 'BEN')).toEqual({ rows: whole, next: null });
    expect(await history(ben, 'ann')).toEqual({ rows: whole, next: null });
    expect(texts(await history(ann, 'ann'))).toEqual(['a note']);
    expect(await history(cat, 'ben')).toEqual({ rows: [], next: null });

    // `before` need not be the id of an entry.
    for (const [before, left] of [
      [BEYOND, whole],
      [three.id + 1, whole],
      [three.id, whole.slice(1)],
      [two.id + 1, whole.slice(1)],
      [one.id, []],
      [0, []],
    ] as const)
      expect((await history(ann, 'ben', before)).rows, `before ${before}`).toEqual(left);
  });

  it('comes in pages of the requested length, by default 50', async () => {
    const dan = await account('dan');
    const said = Array.from({ length: 120 }, (_, index) => `note ${index}`);
    await say(dan, 'dan', said);
    const newestFirst = [...said].reverse();
    for (const [limit, sizes] of [
      [null, [50, 50, 20]],
      [50, [50, 50, 20]],
      [100, [100, 20]],
      [119, [119, 1]],
      [500, [120]],
    ] as const) {
      const pages = await toTheEnd((before) => history(dan, 'dan', before, limit));
      expect(
        pages.map(({ rows }) => rows.length).filter((size) => size > 0),
        `limit ${limit}`,
      ).toEqual(sizes);
      expect(pages.flatMap(texts)).toEqual(newestFirst);
    }
    // There is nothing older, even if the page is exactly full.
    expect((await history(dan, 'dan', null, 120)).next).toBeNull();
    const single = await history(dan, 'dan', null, 1);
    expect(texts(single)).toEqual(['note 119']);
    expect(texts(await history(dan, 'dan', single.next, 1))).toEqual(['note 118']);
  });

  it('comes in shorter pages if messages are long', async () => {
    const eva = await account('eva');
    const said = Array.from({ length: 25 }, (_, index) => `${index} `.padEnd(8192, 'x'));
    await say(eva, 'eva', said);
    const pages = await toTheEnd((before) => history(eva, 'eva', before, 500));
    expect(pages.length).toBeGreaterThan(2);
    expect(pages.flatMap(texts)).toEqual([...said].reverse());
    for (const { rows } of pages.slice(0, -1)) expect(rows.length).toBeGreaterThan(0);
  });

  it('of a room contains the messages sent while the account was a member, even after it has left', async () => {
    const [fay, gil] = [await account('fay'), await account('gil')];
    await fay.ask('join', '#Fays');
    await send(fay, '#fays', 'before Gil');
    for (const stay of ['first', 'second']) {
      await gil.ask('join', '#fays');
      await send(fay, '#fays', `the ${stay} stay`);
      await gil.ask('leave', '#fays');
      await send(fay, '#fays', `after the ${stay} stay`);
    }
    const whole = [
      'after the second stay',
      'the second stay',
      'after the first stay',
      'the first stay',
      'before Gil',
    ];
    const ofFay = await history(fay, '#FAYS');
    expect(texts(ofFay)).toEqual(whole);
    expect(ofFay.rows.map(([, , from, to]) => [from, to])).toEqual(whole.map(() => ['fay', '#Fays']));
    expect(texts(await history(gil, '#fays'))).toEqual(['the second stay', 'the first stay']);
    const pages = await toTheEnd((before) => history(gil, '#fays', before, 1));
    expect(pages.flatMap(texts)).toEqual(['the second stay', 'the first stay']);
  });

  it('is available to guests during their session', async () => {
    const [hal, guest] = [await account('hal'), await open()];
    await guest.ask('guest', 'Ida');
    await send(hal, 'ida', 'welcome');
    await send(guest, 'hal', 'thanks');
    for (const [by, other] of [
      [hal, 'ida'],
      [guest, 'hal'],
    ] as const)
      expect(texts(await history(by, other))).toEqual(['thanks', 'welcome']);
  });

  it('refuses conversations that do not exist, and invalid ids and limits', async () => {
    await expectRefusals(await open(), [['not_logged_in', 'history', 'ann']]);
    const jan = await account('jan');
    await (await account('kim')).ask('join', '#kims');
    await expectRefusals(jan, [
      ['no_such_user', 'history', 'nobody'],
      ['no_such_room', 'history', '#nowhere'],
      ['not_a_member', 'history', '#kims'],
      ['bad_argument', 'history', 'kim', null, 0],
      ['bad_argument', 'history', 'kim', null, 501],
    ]);
    expect(await history(jan, 'kim', null, 500)).toEqual({ rows: [], next: null });
  });
});

describe('search', () => {
  it('finds messages that contain all given words, phrases and prefixes', async () => {
    const lea = await account('lea');
    const said = [
      'Green tea, please',
      'a teapot of green glass',
      'no tea today. Green is the grass',
      'tea-pot',
      'Café au lait: ÉTÉ',
      'e\u0301te\u0301 (summer)',
      'tea green tea',
    ];
    await say(lea, 'lea', said);
    const [please, glass, grass, pot, cafe, summer, twice] = said;
    for (const [query, ...expected] of [
      ['tea', please, grass, pot, twice],
      ['tea green', please, grass, twice],
      ['tea coffee'],
      ['"green tea"', please, twice],
      ['"Tea, GREEN"', twice],
      ['te*', please, glass, grass, pot, twice],
      ['tea* gra*', grass],
      ['cafe', cafe],
      ['ete', cafe, summer],
    ])
      expect(await found(lea, query ?? null), query).toEqual(expected.reverse());
  });

  it('shows a part of the text, in which plain text and matches alternate', async () => {
    const mia = await account('mia');
    const short = await send(mia, 'mia', 'one fish, two Fish');
    expect((await search(mia, 'fish')).rows).toEqual([
      [short.id, short.at, 'mia', 'mia', ['one ', 'fish', ', two ', 'Fish']],
    ]);
  });

  it('comes in pages, newest first', async () => {
    const ned = await account('ned');
    const ids = await say(
      ned,
      'ned',
      Array.from({ length: 120 }, (_, index) => `needle ${index}`),
    );
    for (const [limit, sizes] of [
      [null, [50, 50, 20]],
      [100, [100, 20]],
      [500, [120]],
    ] as const) {
      const pages = await toTheEnd((before) => search(ned, 'needle', null, before, limit));
      expect(
        pages.map(({ rows }) => rows.length).filter((size) => size > 0),
        `limit ${limit}`,
      ).toEqual(sizes);
      expect(rowsOf(pages).map(([id]) => id)).toEqual([...ids].reverse());
    }
    const middle = await search(ned, 'needle', 'ned', ids[60] ?? null, 3);
    expect(middle.rows.map(([id]) => id)).toEqual([ids[59], ids[58], ids[57]]);
    expect((await search(ned, 'needle', null, ids[0] ?? null)).rows).toEqual([]);
  });

  it('covers everything that the account may see, or one conversation', async () => {
    const [ola, pat, quin] = [await account('ola'), await account('pat'), await account('quin')];
    await ola.ask('join', '#Olas');
    await say(ola, '#olas', ['word: before Pat']);
    await pat.ask('join', '#olas');
    await say(ola, '#olas', ['word: with Pat']);
    await pat.ask('leave', '#olas');
    await say(ola, '#olas', ['word: after Pat']);
    await say(ola, 'pat', ['word: to Pat']);
    await say(pat, 'ola', ['word: to Ola']);
    await say(pat, 'quin', ['word: to Quin']);
    await say(pat, 'pat', ['word: to myself']);
    for (const [by, other, ...expected] of [
      [ola, null, 'to Ola', 'to Pat', 'after Pat', 'with Pat', 'before Pat'],
      [ola, '#olas', 'after Pat', 'with Pat', 'before Pat'],
      [ola, 'PAT', 'to Ola', 'to Pat'],
      [ola, 'quin'],
      [pat, null, 'to myself', 'to Quin', 'to Ola', 'to Pat', 'with Pat'],
      [pat, '#OLAS', 'with Pat'],
      [pat, 'ola', 'to Ola', 'to Pat'],
      [pat, 'pat', 'to myself'],
      [quin, null, 'to Quin'],
      [quin, 'ola'],
    ] as const)
      expect(await found(by, 'word', other), `${expected}`).toEqual(expected.map((each) => `word: ${each}`));
    expect((await search(pat, 'word', '#olas')).rows.map(([, , from, to]) => [from, to])).toEqual([
      ['ola', '#Olas'],
    ]);
  });

  it('refuses queries without anything to search for', async () => {
    await expectRefusals(await open(), [['not_logged_in', 'search', 'tea']]);
    const rob = await account('rob');
    await (await account('sue')).ask('join', '#sues');
    const times = (count: number, what: string): string =>
      Array.from({ length: count }, () => what).join(' ');
    await expectRefusals(rob, [
      ['bad_query', 'search', ''],
      ['bad_query', 'search', 't*'],
      ['bad_query', 'search', 'é'.repeat(128).concat('x')],
      ['bad_query', 'search', times(5, 'te*')],
      ['no_such_user', 'search', 'tea', 'nobody'],
      ['no_such_room', 'search', 'tea', '#nowhere'],
      ['not_a_member', 'search', 'tea', '#sues'],
      ['bad_argument', 'search', 'tea', null, null, 501],
    ]);
    for (const most of ['é'.repeat(128), times(16, 'w'), times(4, 'te*')])
      expect(await found(rob, most), most).toEqual([]);
  });
});

holdTables(connections, (word) => LOOKING_BACK.includes(word));
