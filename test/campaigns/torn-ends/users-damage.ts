/**
 * `users.txt` with its end cut or overwritten at each byte of its last three records. What may be the beginning of a record of
 * the server's own, perhaps with zeros behind it, is dropped: the file must open, hold every record before it and nothing
 * else, and take the next one. Anything else, half of a removal too, must be refused, with its line, and left as it is.
 */

import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { AccountChange, AccountStore } from '../../../src/store/accounts.ts';
import { FIRST_LINE, formatRecord, type UserRecord } from '../../../src/store/users/record.ts';
import { startRandom } from '../../protocol/hostile.ts';
import type { Findings } from '../campaign.ts';
import { countWhole, DAMAGES, damage, places } from './damage.ts';
import { AT, accountsIn, fold, openUsers, usualHash } from './users-store.ts';

const NEXT: AccountChange = { name: 'Next', hash: usualHash('the next one'), at: AT };

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
        const count = countKept(whole, bytes, ends);
        const path = join(folder, 'users.txt');
        const wrong =
          count === undefined
            ? await checkRefusal(path, bytes, countWhole(whole, bytes, ends) + 2)
            : await checkStart(path, bytes, changes.slice(0, count));
        if (wrong !== undefined)
          findings.report('not recovered', `users.txt, ${how} at byte ${at}: ${wrong}`);
        starts += 1;
      }
    }
  }
  return starts;
}

/** Registrations, then as the last three a removal, a change of a password, and a registration. */
function shortFile(): UserRecord[] {
  const names = ['alice', 'Bob', 'carol', 'd', 'Eve_5'];
  const first = names.map((name) => ({ name, hash: usualHash(`secret of ${name}`), at: AT }));
  return [
    ...first,
    { name: 'd', hash: null, at: AT },
    { name: 'ALICE', hash: usualHash('another secret'), at: AT },
    { name: 'frank.the-sixth', hash: usualHash('secret of frank'), at: AT },
  ];
}

/** The last record but one lies across the end of the first page of 4 KiB. */
function fileOverPageEnd(): UserRecord[] {
  const changes: UserRecord[] = [];
  const size = (): number => FIRST_LINE.length + changes.map(formatRecord).join('').length;
  for (let i = 0; size() <= 4_096; i += 1) {
    changes.push({ name: `person-${i}`, hash: usualHash(`secret ${i}`), at: AT });
  }
  return [...changes, { name: 'last', hash: usualHash('secret of last'), at: AT }];
}

/** How many records are to be kept; undefined if the file is to be refused. A last record that only lacks its newline is whole. */
export function countKept(whole: Buffer, bytes: Buffer, ends: readonly number[]): number | undefined {
  const count = countWhole(whole, bytes, ends);
  const start = count === 0 ? FIRST_LINE.length : (ends[count - 1] ?? 0);
  const rest = bytes.toString('latin1', start);
  if (rest === '') return count;
  const line = whole.toString('latin1', start, whole.indexOf('\n', start));
  if (rest === line) return count + 1;
  const written = rest.replace(/\0+$/, '');
  const isRemoval = written.includes(' -');
  return line.startsWith(written) && !isRemoval ? count : undefined;
}

/** What is wrong with a start that must be refused; undefined if nothing. */
async function checkRefusal(path: string, bytes: Buffer, line: number): Promise<string | undefined> {
  writeFileSync(path, bytes, { mode: 0o600 });
  const opened = await openUsers(dirname(path));
  if (opened.type === 'open') {
    await opened.store.close();
    return 'not refused';
  }
  if (!opened.text.includes(`in line ${line}: `)) return `line ${line} is not named: ${opened.text}`;
  if (!readFileSync(path).equals(bytes)) return 'refused, and the file was changed';
  return readdirSync(dirname(path)).length === 1 ? undefined : 'refused, and there is another file beside it';
}

/** What is wrong with a start on these bytes; undefined if nothing. */
async function checkStart(
  path: string,
  bytes: Buffer,
  kept: readonly UserRecord[],
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
  changes: readonly UserRecord[],
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
