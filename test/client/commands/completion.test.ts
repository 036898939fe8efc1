import { describe, expect, it } from 'vitest';
import { complete } from '../../../src/client/commands/completion.ts';
import { Names } from '../../../src/client/reader/known-names.ts';

function known() {
  const people = new Names();
  const rooms = new Names();
  for (const name of ['alice', 'Albert', 'bob']) people.add(name);
  for (const name of ['#tea', '#teapot', '#cake']) rooms.add(name);
  return { people, rooms };
}

describe('complete', () => {
  it.each([
    ['/j', ['/join '], '/j'],
    ['/le', ['/leave '], '/le'],
    ['/wa', [], '/wa'],
    ['/join te', ['#tea ', '#teapot '], 'te'],
    ['/join #c', ['#cake '], '#c'],
    ['/who ', ['#cake ', '#tea ', '#teapot '], ''],
    ['/msg al', ['Albert ', 'alice '], 'al'],
    ['/msg #tea', ['#tea ', '#teapot '], '#tea'],
    ['/to b', ['bob '], 'b'],
    ['/whois al', ['Albert ', 'alice '], 'al'],
    ['/whois @b', ['@bob '], '@b'],
    ['/help jo', ['join '], 'jo'],
    ['/msg bob hello AL', ['Albert ', 'alice '], 'AL'],
    ['/msg bob ', [], ''],
    ['/join tea x', [], 'x'],
    ['/history al', ['Albert ', 'alice '], 'al'],
    ['/history #c', ['#cake '], '#c'],
    ['/history bob 5', [], '5'],
    ['/search in:#te', ['#tea ', '#teapot '], '#te'],
    ['/search in:b', ['bob '], 'b'],
    ['/search kettle in:b', [], 'in:b'],
    ['/search bo', ['bob '], 'bo'],
    ['/nothing al', [], 'al'],
    ['ask bo', ['bob '], 'bo'],
    ['meet in #t', ['#tea ', '#teapot '], '#t'],
    ['//al', [], '//al'],
    ['', [], ''],
    ['word ', [], ''],
  ])('%j', (line, candidates, replaced) => {
    expect(complete(line, known())).toEqual([candidates, replaced]);
  });

  it('offers nothing if the list would fill the screen', () => {
    const names = known();
    for (let i = 0; i < 150; i += 1) names.people.add(`user${i}`);
    expect(complete('user', names)).toEqual([[], 'user']);
    expect(complete('user14', names)[0]).toHaveLength(11);
  });
});

describe('Names', () => {
  it('forgets the name not seen for longest', () => {
    const names = new Names(2);
    expect(names.add('ann')).toBe(true);
    names.add('bob');
    expect(names.add('ANN')).toBe(false);
    names.add('carl');
    expect(names.startingWith('')).toEqual(['ANN', 'carl']);
  });
});
