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
      const wrong = checkRequest([verb, 7, ...values.with(index, [])], state);
      expect(wrong).toEqual({ type: 'refused', id: 7, code, text: rule });
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
