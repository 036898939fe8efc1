import { describe, expect, it } from 'vitest';
import { describeRooms, describeUsers, fetchList } from '../../../src/client/commands/lists.ts';
import { readUserPage } from '../../../src/client/reader/server-frame.ts';
import type { Response } from '../../../src/client/session/requests.ts';

function users(names: readonly string[], next: string | null): unknown {
  return [names.map((name) => [name, true]), next];
}

function page(names: readonly string[], next: string | null): Response {
  return { type: 'ok', result: users(names, next) };
}

function fetchUsers(pages: ReadonlyMap<string, Response>, first: unknown) {
  const asked: string[] = [];
  const next = (after: string): Promise<Response> => {
    asked.push(after);
    return Promise.resolve(pages.get(after) ?? { type: 'lost' });
  };
  return fetchList(first, readUserPage, next).then((fetched) => ({ fetched, asked }));
}

describe('fetchList', () => {
  it('asks for page after page', async () => {
    const pages = new Map([
      ['bob', page(['carl', 'dan'], 'dan')],
      ['dan', page([], null)],
    ]);
    const { fetched, asked } = await fetchUsers(pages, users(['ann', 'bob'], 'bob'));
    expect(asked).toEqual(['bob', 'dan']);
    expect(fetched).toMatchObject({ type: 'list', isComplete: true });
    expect(fetched.type === 'list' && fetched.items.map(([name]) => name)).toEqual([
      'ann',
      'bob',
      'carl',
      'dan',
    ]);
  });

  it('stops at a server that never comes to an end', async () => {
    const { fetched } = await fetchUsers(new Map([['bob', page([], 'bob')]]), users(['bob'], 'bob'));
    expect(fetched).toMatchObject({ type: 'list', isComplete: false });
    const names = Array.from({ length: 1_000 }, () => 'bob');
    const endless = await fetchUsers(new Map([['bob', page(names, 'bob')]]), users(names, 'bob'));
    expect(endless.fetched).toMatchObject({ type: 'list', isComplete: false });
    expect(endless.asked.length).toBeLessThan(100);
  });

  it('passes on what went wrong', async () => {
    expect((await fetchUsers(new Map(), users(['bob'], 'bob'))).fetched).toEqual({ type: 'lost' });
    expect((await fetchUsers(new Map(), 'nonsense')).fetched).toEqual({
      type: 'malformed',
    });
    const busy = { type: 'error', code: 'busy', text: 'later' } as const;
    expect((await fetchUsers(new Map([['bob', busy]]), users(['bob'], 'bob'))).fetched).toEqual(busy);
  });
});

describe('lists for people', () => {
  it('tell members who are online from those who are not', () => {
    const users = [
      ['ann', true],
      ['bob', false],
      ['carl', true],
    ] as const;
    expect(describeUsers('#tea', users)).toEqual(['3 members in #tea, 2 online: ann, carl', 'offline: bob']);
    expect(describeUsers(null, [['ann', true]])).toEqual(['1 person online: ann']);
    expect(describeUsers('#tea', [])).toEqual(['0 members in #tea, 0 online']);
  });

  it('show rooms in columns, and not more than one can look at', () => {
    expect(
      describeRooms([
        ['#tea', 1],
        ['#biscuits', 12],
      ]),
    ).toEqual(['#tea       1 member', '#biscuits  12 members']);
    expect(describeRooms([])).toHaveLength(1);
    const many = Array.from({ length: 600 }, (_, i) => [`#r${i}`, 1] as const);
    expect(describeRooms(many)).toHaveLength(501);
    expect(describeRooms(many).at(-1)).toBe('and 100 more');
  });
});
