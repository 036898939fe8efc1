/** The table of verbs: what each row accepts, and whether docs/protocol.md describes it. */

import { describe, expect, it } from 'vitest';
import type { Argument } from '../../src/protocol/arguments.ts';
import { checkRequest, type LoginState, VERBS } from '../../src/protocol/verbs.ts';
import { table } from './page.ts';

const STATES: readonly LoginState[] = ['anonymous', 'guest', 'account'];
const ALLOWED = {
  anyone: ['anonymous', 'guest', 'account'],
  anonymous: ['anonymous'],
  logged_in: ['guest', 'account'],
  account: ['account'],
} as const;

/** A valid value for every argument. */
const VALID = {
  greeting: { version: 1, heartbeat: 60_000 },
  user: 'ann',
  room: '#tea',
  to: '#tea',
  with: 'bob',
  text: 'hello',
  password: 'correct horse',
  key: 'k',
  token: 't',
  query: 'kettle',
  after: 'ann',
  before: 7,
  limit: 50,
  id: 7,
  'last id': 0,
};

/** Values that are almost valid; none is, for any kind of argument, an array. */
const ALMOST: Partial<Record<string, readonly unknown[]>> = {
  greeting: ['version 1', { heartbeat: 999 }, { heartbeat: '60000' }],
  user: [42, '', '1st', 'white space', 'xia\n', `L${'o'.repeat(32)}`],
  room: [42, 'no-sign', '#', `#${'r'.repeat(64)}`],
  to: [42, '@ann', '1st'],
  with: [42, '@ann'],
  text: [7, '', 'x'.repeat(8_193)],
  key: [7, '', `${'é'.repeat(16)}x`],
  token: [7, '', 'x'.repeat(65)],
  query: [7, ''],
  before: [-1, 1.5, 'the last'],
  limit: [0, 1.5, 501, 'all'],
  id: [-1, 1.5, 'all'],
  'last id': [-1, 1.5, 'the last'],
};

function valid({ name }: Argument<unknown>): unknown {
  const value = Object.entries(VALID).find(([known]) => known === name)?.[1];
  if (value === undefined) throw new Error(`VALID has no value for the argument "${name}"`);
  return value;
}

describe.each(VERBS)('$verb', ({ verb, guard, destination, arguments: specs }) => {
  const values = specs.map(valid);
  const [state] = ALLOWED[guard];

  it('accepts valid arguments from clients that may use the verb', () => {
    const request = { type: 'request', verb, destination, id: 7, values };
    for (const allowed of ALLOWED[guard]) {
      expect(checkRequest([verb, 7, ...values], allowed)).toEqual(request);
    }
    expect(checkRequest([verb, 7, ...values, 'more'], state)).toEqual(request);
  });

  it('refuses all other clients, whatever the arguments', () => {
    for (const refused of STATES.filter((other) => !ALLOWED[guard].some((allowed) => allowed === other))) {
      const code = guard === 'anonymous' ? 'already_logged_in' : 'not_logged_in';
      expect(checkRequest([verb, 7], refused)).toEqual({
        type: 'refused',
        id: 7,
        code: refused === 'guest' && guard === 'account' ? 'not_for_guests' : code,
      });
    }
  });

  it('refuses an invalid argument, and a missing one', () => {
    for (const [index, { name, code, rule, isOptional }] of specs.entries()) {
      for (const wrong of [[], ...(ALMOST[name] ?? [])]) {
        const refused = { type: 'refused', id: 7, code, text: rule };
        expect(checkRequest([verb, 7, ...values.with(index, wrong)], state)).toEqual(refused);
      }
      for (const missing of [values.slice(0, index), values.with(index, null)]) {
        const checked = checkRequest([verb, 7, ...missing], state);
        if (isOptional) expect(checked).toMatchObject({ type: 'request', values: missing });
        else {
          const text = `argument "${name}" is missing`;
          expect(checked).toEqual({ type: 'refused', id: 7, code: 'missing_argument', text });
        }
      }
    }
  });

  it('is described in docs/protocol.md', () => {
    const [, who = '', described = ''] = table('Commands').find(([first]) => first === `\`${verb}\``) ?? [];
    expect(who).toBe(guard.replace('_', ' '));
    // The table may say more about an argument, such as "to (user or room)" or "old password".
    const documented = described === '–' ? [] : described.split(/, (?![^(]*\))/);
    expect(documented.length).toBe(specs.length);
    for (const [index, { name, isOptional }] of specs.entries()) {
      expect(documented[index]).toContain(name);
      expect(documented[index]?.includes('optional')).toBe(isOptional);
    }
  });
});

it('has one row for each verb, and docs/protocol.md describes no other', () => {
  const verbs = VERBS.map(({ verb }) => verb);
  expect(new Set(verbs).size).toBe(verbs.length);
  expect(
    table('Commands')
      .map(([first]) => first?.replaceAll('`', ''))
      .sort(),
  ).toEqual([...verbs].sort());
});

it('refuses unknown verbs, and requests without a valid id', () => {
  for (const verb of ['Send', 'shout', 'constructor', '', null, 7, ['send']]) {
    expect(checkRequest([verb, 7], 'account')).toEqual({ type: 'refused', id: 7, code: 'unknown_command' });
  }
  for (const id of [undefined, null, '7', -1, 0.5, 2 ** 53, Number.NaN]) {
    const refused = { type: 'refused', id: null, code: 'bad_request_id' };
    expect(checkRequest(['ping', id], 'account')).toEqual(refused);
    expect(checkRequest(['shout', id], 'account')).toEqual(refused);
  }
});
