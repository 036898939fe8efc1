import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { copyFileSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { beforeEach, describe, expect, it } from 'vitest';
import type { IndexRow } from '../../../src/store/archive-store.ts';
import { toMatch } from '../../../src/store/search/query.ts';
import { SearchIndex } from '../../../src/store/search/search-index.ts';
import { testFolder } from '../../support/folder.ts';
import { startRandom } from '../../support/random.ts';
import { ALL, type Asked, expected, fill, findAll, makeRows, termsOf, whole } from './search-rows.ts';

const folder = testFolder();
/** Only root can mount a small disk. */
const canMount = process.platform === 'linux' && process.getuid?.() === 0;
const writer = fileURLToPath(new URL('../../fixtures/search-writer.ts', import.meta.url));

const everywhere = whole(...Array.from({ length: 10 }, (_, n) => n + 1));
const QUESTIONS: Asked[] = [
  { query: 'tea', intervals: everywhere },
  { query: 'rare', intervals: whole(3) },
  { query: '"milk sugar"', intervals: everywhere },
  { query: 'te* th*', intervals: everywhere },
  { query: 'absent', intervals: everywhere },
];

let random = startRandom(0);
beforeEach(() => {
  random = startRandom(4_711);
});

function open(file: string, warnings: string[] = []): SearchIndex {
  return new SearchIndex({
    file,
    has: () => true,
    warn: (text) => warnings.push(text),
    partSize: 300,
  });
}

/** Everything that each query should find. */
function answersOf(rows: readonly IndexRow[]): number[][] {
  return QUESTIONS.map((asked) => expected(rows, asked));
}

/** The index finds exactly the messages that it claims to have. */
function expectRight(index: SearchIndex, answers: readonly number[][]): void {
  const taken = answers.map((ids) => ids.filter((id) => id <= index.indexed));
  expect(QUESTIONS.map((asked) => findAll(index, asked))).toEqual(taken);
}

describe('the search index after a crash', () => {
  it('has what it claims, wherever its write-ahead log was torn', () => {
    const rows = makeRows(1_200, 10);
    const answers = answersOf(rows);
    const file = `${folder}/whole.db`;
    const torn = `${folder}/torn.db`;
    const index = open(file);
    fill(index, rows.slice(0, 500), 50);
    index.close();
    const later = open(file);
    fill(later, rows.slice(500), 50);
    const log = readFileSync(`${file}-wal`);
    copyFileSync(file, `${folder}/before.db`);
    later.close();
    const ends = new Set<number>();
    for (let round = 0; round < 30; round += 1) {
      rmSync(torn, { force: true });
      copyFileSync(`${folder}/before.db`, torn);
      const cut = round === 0 ? log.length : random(log.length);
      const tail = Buffer.alloc(round % 3 === 0 ? 0 : log.length - cut, round % 3 === 1 ? 0 : undefined);
      if (round % 3 === 2) for (let at = 0; at < tail.length; at += 1) tail[at] = random(256);
      writeFileSync(`${torn}-wal`, Buffer.concat([log.subarray(0, cut), tail]));
      const warnings: string[] = [];
      const found = open(torn, warnings);
      expect(found.indexed).toBeGreaterThanOrEqual(rows[499]?.id ?? 0);
      ends.add(found.indexed);
      expectRight(found, answers);
      fill(
        found,
        rows.filter(({ id }) => id > found.indexed),
      );
      expectRight(found, answers);
      expect(warnings).toEqual([]);
      found.close();
    }
    expect(ends.size).toBeGreaterThan(5);
    expect(ends).toContain(rows.at(-1)?.id);
  });

  it('has what it claimed when its process was killed', async () => {
    const rows = makeRows(6_000, 10);
    const answers = answersOf(rows);
    const file = `${folder}/killed.db`;
    let said = 0;
    for (let round = 0; round < 5; round += 1) {
      const child = spawn(process.execPath, [writer, file, '6000', '20'], {
        stdio: ['ignore', 'pipe', 'inherit'],
      });
      const lines = 1 + random(60);
      let output = '';
      child.stdout.on('data', (chunk) => {
        output += chunk;
        if (output.split('\n').length > lines) child.kill('SIGKILL');
      });
      await once(child, 'close');
      said = Number(output.trimEnd().split('\n').at(-1));
      const warnings: string[] = [];
      const index = open(file, warnings);
      expect(index.indexed).toBeGreaterThanOrEqual(said);
      expectRight(index, answers);
      expect(warnings).toEqual([]);
      index.close();
    }
    expect(said).toBeGreaterThan(0);
  });

  it('answers from what it has, or is rebuilt, if its file is damaged', () => {
    const rows = makeRows(1_000, 10);
    const answers = answersOf(rows);
    const file = `${folder}/damaged.db`;
    const index = open(file);
    fill(index, rows, 40);
    index.close();
    const good = readFileSync(file);
    const pages = good.length / 4_096;
    let anew = 0;
    for (let round = 0; round < 3 * pages; round += 1) {
      const bad = Buffer.from(good);
      const at = Math.floor(round / 3) * 4_096;
      if (round % 3 === 0) bad.fill(0, at, at + 4_096);
      if (round % 3 === 1) for (let byte = at; byte < at + 4_096; byte += 1) bad[byte] = random(256);
      writeFileSync(file, round % 3 === 2 ? good.subarray(0, at + random(4_096)) : bad);
      const warnings: string[] = [];
      const found = open(file, warnings);
      for (const [question, { query, intervals }] of QUESTIONS.entries()) {
        const asked = { match: toMatch(termsOf(query)), intervals, before: ALL, limit: 500, budgetMs: 1_000 };
        const hits = found.find(asked);
        const taken = answers[question]?.filter((id) => id <= found.indexed).slice(0, 500);
        if (hits.type === 'found') expect(hits.ids).toEqual(taken);
        else expect([hits.type, found.indexed]).toEqual(['reopened', 0]);
      }
      for (let tries = 0; found.indexed < (rows.at(-1)?.id ?? 0); tries += 1) {
        expect(tries).toBeLessThan(10);
        const missing = rows.filter(({ id }) => id > found.indexed);
        found.add(missing, missing.at(-1)?.id ?? 0);
      }
      if (warnings.length > 0) {
        anew += 1;
        expect(warnings).toEqual([expect.stringMatching(/rebuilding .+ from the log/)]);
        expectRight(found, answers);
      }
      found.close();
    }
    expect(anew).toBeGreaterThan(pages);
  });
});

describe.skipIf(process.platform === 'win32')('the search index on a disk that fails', () => {
  it('is reported, answers from what it has, and continues when the disk works again', () => {
    const rows = makeRows(20_000, 10);
    const file = `${folder}/failing.db`;
    // Writing beyond a limit of 0.5 MiB is EFBIG, which SQLite treats like any I/O error.
    const limited = 'ulimit -f 1024; exec "$@"';
    const args = ['-c', limited, 'sh', process.execPath, writer, file, '20000', '100'];
    const lines = execFileSync('sh', args, { encoding: 'utf8' }).trimEnd().split('\n');
    expect(lines.at(-1)).toBe('storage_failed, right');
    expect(lines.at(-2)).toMatch(
      /failing\.db cannot be used: disk I\/O error; search results are incomplete/,
    );
    const index = open(file);
    expect(index.indexed).toBe(Number(lines.at(-3)));
    fill(
      index,
      rows.filter(({ id }) => id > index.indexed),
    );
    expectRight(index, answersOf(rows));
    index.close();
  });
});

describe.runIf(canMount)('the search index on a full disk', () => {
  it('is reported, answers from what it has, and continues when there is room', () => {
    const rows = makeRows(4_000, 10);
    const answers = answersOf(rows);
    const disk = `${folder}/disk`;
    mkdirSync(disk);
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=2m', 'tmpfs', disk]);
    try {
      const outcomes = new Set<string>();
      for (let round = 0; round < 20; round += 1) {
        for (const name of ['search.db', 'search.db-wal', 'ballast'])
          rmSync(`${disk}/${name}`, { force: true });
        const warnings: string[] = [];
        // One time in ten there is no room from the start.
        if (round % 10 === 0) writeFileSync(`${disk}/ballast`, Buffer.alloc(2 * 1_048_576));
        else writeFileSync(`${disk}/ballast`, Buffer.alloc(2 * 1_048_576 - 30_000 - random(600_000)));
        const index = open(`${disk}/search.db`, warnings);
        for (let start = 0; start < rows.length; start += 100) {
          const some = rows.slice(start, start + 100);
          const outcome = index.add(some, some.at(-1)?.id ?? 0);
          outcomes.add(outcome.type);
          if (outcome.type === 'added') continue;
          expect(index.indexed).toBe(rows[start - 1]?.id ?? 0);
          if (round % 10 !== 0) expectRight(index, answers);
          break;
        }
        if (round % 2 === 0) index.close();
        rmSync(`${disk}/ballast`);
        const again = round % 2 === 0 ? open(`${disk}/search.db`) : index;
        fill(
          again,
          rows.filter(({ id }) => id > again.indexed),
          100,
        );
        expectRight(again, answers);
        expect(warnings.length).toBeGreaterThan(0);
        again.close();
      }
      expect(outcomes).toEqual(new Set(['added', 'storage_full']));
      expect(existsSync(`${disk}/search.db`)).toBe(true);
    } finally {
      execFileSync('umount', ['-l', disk]);
    }
  });
});
