/**
 * `users.txt` with its end cut or overwritten at each byte of its last three records: it must open, hold every record
 * before the damage and nothing else, and take the next one.
 */

import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { AccountChange, AccountStore } from '../../src/store/accounts.ts';
import { FIRST_LINE, formatRecord } from '../../src/store/users-record.ts';
import { startRandom } from '../transport/hostile.ts';
import type { Findings } from './campaign.ts';
import { cheapHash } from './cheap-users.ts';
import { countWhole, DAMAGES, damage, places } from './damage.ts';
import { AT, accountsIn, fold, openUsers } from './users-store.ts';

const NEXT: AccountChange = { name: 'Next', hash: cheapHash('the next one'), at: AT };

/** How many starts there were. */
export async function damageUsers(
  folder: string,
  seed: number,
  stride: number,
  findings: Findings,
): Promise<number> {
  mkdirSync(folder, { mode: 0o700 });
  let starts = 0;
  for (const changes of [shortFile(), fileOverPageEnd()]) {
    const records = changes.map(formatRecord);
    const whole = Buffer.from(FIRST_LINE + records.join(''));
    const ends = records.map((_, i) => FIRST_LINE.length + records.slice(0, i + 1).join('').length);
    const pick = startRandom(seed);
    for (const how of DAMAGES) {
      for (const at of places(ends.at(-4) ?? 0, whole.length, stride, ends)) {
        const bytes = damage(whole, how, at, whole.length, pick);
        const kept = changes.slice(0, countKept(whole, bytes, ends));
        const wrong = await checkStart(join(folder, 'users.txt'), bytes, kept);
        if (wrong !== undefined)
          findings.report('not recovered', `users.txt, ${how} at byte ${at}: ${wrong}`);
        starts += 1;
      }
    }
  }
  return starts;
}

/** Registrations, then as the last three a removal, a change of a password, and a registration. */
function shortFile(): AccountChange[] {
  const names = ['alice', 'Bob', 'carol', 'd', 'Eve_5'];
  const first = names.map((name) => ({ name, hash: cheapHash(`secret of ${name}`), at: AT }));
  return [
    ...first,
    { name: 'd', hash: null, at: AT },
    { name: 'ALICE', hash: cheapHash('another secret'), at: AT },
    { name: 'frank.the-sixth', hash: cheapHash('secret of frank'), at: AT },
  ];
}

/** The last record but one lies across the end of the first page of 4 KiB. */
function fileOverPageEnd(): AccountChange[] {
  const changes: AccountChange[] = [];
  const size = (): number => FIRST_LINE.length + changes.map(formatRecord).join('').length;
  for (let i = 0; size() <= 4_096; i += 1) {
    changes.push({ name: `person-${i}`, hash: cheapHash(`secret ${i}`), at: AT });
  }
  return [...changes, { name: 'last', hash: cheapHash('secret of last'), at: AT }];
}

/** A last record that only lacks its newline is whole. */
function countKept(whole: Buffer, bytes: Buffer, ends: readonly number[]): number {
  const count = countWhole(whole, bytes, ends);
  return bytes.length + 1 === ends[count] ? count + 1 : count;
}

/** What is wrong with a start on these bytes; undefined if nothing. */
async function checkStart(
  path: string,
  bytes: Buffer,
  kept: readonly AccountChange[],
): Promise<string | undefined> {
  writeFileSync(path, bytes, { mode: 0o600 });
  const wrong =
    (await compareStore(path, kept, async (store) => {
      if ((await store.append(NEXT)) !== 'stored') return 'the next append failed';
      return undefined;
    })) ?? (await compareStore(path, [...kept, NEXT], async () => undefined));
  for (const name of readdirSync(join(path, '..'))) {
    const file = join(path, '..', name);
    if (name !== 'users.txt' && !bytes.includes(readFileSync(file))) return `${name} is not what was cut off`;
    rmSync(file);
  }
  return wrong;
}

async function compareStore(
  path: string,
  changes: readonly AccountChange[],
  use: (store: AccountStore) => Promise<string | undefined>,
): Promise<string | undefined> {
  const opened = await openUsers(dirname(path));
  if (opened.type === 'refused') return `refused: ${opened.text}`;
  const { store } = opened;
  const found = accountsIn(store);
  const wanted = fold(changes);
  const wrong =
    found.join() === wanted.join() ? await use(store) : `holds ${found.join()} for ${wanted.join()}`;
  await store.close();
  return wrong;
}
