import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { lineAt } from '../../../src/load/scenario/json-line.ts';
import { findScenario, parseScenario } from '../../../src/load/scenario/scenario-file.ts';
import { SCENARIOS } from '../../../src/load/scenario/scenarios.ts';
import { testFolder } from '../../support/folder.ts';

const folder = testFolder();

function refusalOf(lines: readonly string[]): string[] {
  const parsed = parseScenario(lines.join('\n'), 'mine.json');
  return parsed.type === 'refused' ? parsed.text.split('\n').map((line) => line.trim()) : [];
}

const GOOD = [
  '{',
  '  "version": 1, "name": "mine", "users": 10,',
  '  "groups": [{ "kind": "pairs" },',
  '    { "kind": "rooms", "size": 5, "writers": 2 }],',
  '  "talk": { "loop": "open", "perUserPerMinute": 6 },',
  '  "phases": [{ "kind": "ramp", "seconds": 1 },',
  '    { "kind": "steady", "seconds": 2 },',
  '    { "kind": "spike", "seconds": 3, "rate": 2 }]',
  '}',
];

/** The good one with something else in one line. */
function change(from: string, to: string): string[] {
  expect(GOOD.join('\n').split(from)).toHaveLength(2);
  return GOOD.join('\n').replace(from, to).split('\n');
}

describe('a scenario file', () => {
  it('is read behind a byte order mark, and its lines are counted as before', () => {
    const file = join(folder, 'marked.json');
    writeFileSync(file, `\ufeff${GOOD.join('\r\n')}`);
    expect(findScenario(file)).toMatchObject({ type: 'found' });
    writeFileSync(file, `\ufeff${change('"users"', '"usrs"').join('\r\n')}`);
    expect(findScenario(file)).toMatchObject({ text: expect.stringContaining('line 2, there is no "usrs"') });
  });

  it('is read', () => {
    const parsed = parseScenario(GOOD.join('\n'), 'mine.json');
    expect(parsed).toMatchObject({
      type: 'found',
      scenario: { users: 10, idle: 0, textBytes: 64, phases: [{ rate: 1 }, { rate: 1 }, { rate: 2 }] },
    });
  });

  it.each([
    ['"users"', '"usrs"', 'line 2, there is no "usrs"; did you mean "users"?'],
    ['"writers"', '"writer"', 'line 4, groups[1]: there is no "writer"; did you mean "writers"?'],
    ['"rate": 2', '"rte": 2', 'line 8, phases[2]: there is no "rte"; did you mean "rate"?'],
    ['"seconds": 2', '"seconds": 0', 'line 7, phases[1].seconds: Too small: expected number to be >0'],
    [
      '"seconds": 3',
      '"seconds": "3"',
      'line 8, phases[2].seconds: Invalid input: expected number, received string',
    ],
    ['"steady"', '"stedy"', /^line 7, phases\[1\]\.kind: .*; did you mean "steady"\?$/],
    ['"rooms"', '"roms"', /^line 4, groups\[1\]\.kind: .*; did you mean "rooms"\?$/],
    ['"open"', '"clsed"', /^line 5, talk\.loop: .*; did you mean "closed"\?$/],
    ['"users": 10', '"users": -1', 'line 2, users: Too small: expected number to be >=0'],
    [', "users": 10', '', 'line 1, users: Invalid input: expected number, received undefined'],
    ['"version": 1', '"version": 2', 'line 2, version: Invalid input: expected 1'],
  ])('that has %s as %s is refused, with the place and what was meant', (from, to, problem) => {
    const [head, ...problems] = refusalOf(change(from, to));
    expect(head).toBe('mine.json is not a scenario:');
    expect(problems).toContainEqual(typeof problem === 'string' ? problem : expect.stringMatching(problem));
  });

  it.each([
    ['"users": 10', '"users": 0', 'line 2, users: nobody takes part; set at least 1 user or idle connection'],
    ['"users": 10', '"users": 1', /^line 2, users: a single user has nobody to write to/],
    ['"users": 10', '"users": 0, "idle": 5', /^line 2, users: a single user has nobody to write to/],
    ['"perUserPerMinute": 6', '"perUserPerMinute": 0', /^line 5, talk: nobody writes in the measured phases/],
  ])('that has %s as %s makes no sense', (from, to, problem) => {
    const [head, ...problems] = refusalOf(change(from, to));
    expect(head).toBe('mine.json makes no sense:');
    expect(problems).toContainEqual(typeof problem === 'string' ? problem : expect.stringMatching(problem));
  });

  it('that has nothing measured, nobody in a storm, or no groups for its talk makes no sense', () => {
    const ramp = { kind: 'ramp', seconds: 1 };
    const given = { version: 1, name: 'mine', users: 10, groups: [{ kind: 'pairs' }], phases: [ramp] };
    const why = (more: object): string[] => refusalOf([JSON.stringify({ ...given, ...more })]).slice(1);
    expect(why({})).toEqual([expect.stringMatching(/^line 1, phases: nothing is measured; add a "steady"/)]);
    const storm = { stormShare: 0, phases: [{ kind: 'storm', seconds: 1 }] };
    expect(why(storm)).toEqual([expect.stringMatching(/stormShare: the storm cuts no connection/)]);
    const talk = {
      talk: { loop: 'closed', inFlight: 1 },
      groups: [],
      phases: [{ kind: 'steady', seconds: 1 }],
    };
    expect(why(talk)).toEqual([expect.stringMatching(/talk: there is nobody to write to/)]);
    const many = { users: 20_000, phases: [{ kind: 'steady', seconds: 1 }] };
    expect(why({ ...many, groups: [{ kind: 'rooms', size: 20_000 }] })).toEqual([
      expect.stringMatching(/groups: 400,000,000 pairs of a writer and a reader are too many/),
    ]);
    expect(why({ ...many, talk: { loop: 'open', perUserPerMinute: 1_000_000 } })).toEqual([
      expect.stringMatching(/talk: .* messages per second exceed the maximum of 10,000,000/),
    ]);
    // Idle connections alone are worth measuring.
    const quiet = { users: 0, idle: 9, groups: [], phases: [{ kind: 'steady', seconds: 1 }] };
    expect(why(quiet)).toEqual([]);
  });

  it('tells all that is wrong at once', () => {
    expect(refusalOf(change('"kind": "ramp", "seconds": 1', '"kind": "ram"'))).toHaveLength(3);
  });

  it('that is no JSON, or nothing like a scenario, is refused in a sentence', () => {
    expect(refusalOf(['{', '  "version": 1,', '}'])[0]).toMatch(/^mine\.json is not JSON: .*line 3/);
    for (const text of ['[]', '7', 'null', '"rooms"', '{}']) {
      expect(refusalOf([text])[1], text).toMatch(/^line 1, /);
    }
    expect(refusalOf([''])[0]).toMatch(/^mine\.json is not JSON/);
  });

  it('that is not there is refused, and one that is there is found by its path', () => {
    const file = join(folder, 'mine.json');
    expect(findScenario(file)).toMatchObject({ type: 'refused', text: expect.stringContaining(file) });
    writeFileSync(file, GOOD.join('\n'));
    expect(findScenario(file)).toMatchObject({ type: 'found', scenario: { name: 'mine' } });
  });
});

describe('scenarios that come with the program', () => {
  it('are found by their names, and are the same when they have been written to a file', () => {
    for (const [name, scenario] of SCENARIOS) {
      expect(findScenario(name)).toEqual({ type: 'found', scenario });
      expect(parseScenario(JSON.stringify(scenario), 'file')).toEqual({ type: 'found', scenario });
    }
  });

  it('and others are not: the nearest is told', () => {
    expect(findScenario('chrun')).toMatchObject({
      type: 'refused',
      text: expect.stringMatching(
        /^there is no scenario chrun\. Did you mean churn\? The scenarios are rooms, /,
      ),
    });
    expect(findScenario('xyzzy')).toMatchObject({
      text: expect.stringMatching(/^there is no scenario xyzzy\. The scenarios/),
    });
  });
});

it('the line of anything in any JSON', () => {
  fc.assert(
    fc.property(fc.json({ maxDepth: 4 }), (json) => {
      // One value or key a line: JSON.stringify puts them there.
      const value: unknown = JSON.parse(json);
      const text = JSON.stringify(value, undefined, 2);
      const lines = text.split('\n');
      const check = (at: unknown, path: readonly PropertyKey[]): void => {
        if (typeof at !== 'object' || at === null) return;
        for (const [key, child] of Object.entries(at)) {
          const place = [...path, Array.isArray(at) ? Number(key) : key];
          const line = lines[lineAt(text, place) - 1] ?? '';
          const indent = ' '.repeat(2 * place.length);
          const shown = JSON.stringify(child, undefined, 2).split('\n')[0];
          const before = Array.isArray(at) ? '' : `${JSON.stringify(key)}: `;
          expect(line.startsWith(`${indent}${before}${shown}`), `${String(place)} in ${text}`).toBe(true);
          check(child, place);
        }
      };
      check(value, []);
      expect(lineAt(text, ['not', 'there'])).toBeGreaterThan(0);
    }),
  );
});
