/**
 * Measures how fast the search index is filled, how large it gets, and how long a search takes. Messages consist of invented
 * words with realistic frequencies (Zipf), in conversations of different sizes.
 *
 *   node bench/search.ts [--messages 1000000] [--conversations 1000] [--step 500] [--budget 10] [--cpu]
 *
 * A page has 50 hits and takes as many calls as necessary; between two calls the archive's thread does other work. "longest call"
 * is how long that work may have to wait. `--cpu` reports the thread's CPU time, in steps of up to 4 ms, for a machine with other
 * load.
 */

import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { parseArgs } from 'node:util';
import { startRandom } from '../src/load/scenario/random.ts';
import type { IndexRow, Interval } from '../src/store/archive-store.ts';
import { parseQuery, toMatch } from '../src/store/search/query.ts';
import { SearchIndex } from '../src/store/search/search-index.ts';
import { snippet } from '../src/store/search/snippet.ts';
import { TextGenerator, zipf } from './text-generator.ts';

const { values } = parseArgs({
  options: {
    messages: { type: 'string', default: '1000000' },
    conversations: { type: 'string', default: '1000' },
    step: { type: 'string', default: '500' },
    budget: { type: 'string', default: '10' },
    cpu: { type: 'boolean', default: false },
  },
});
const messages = Number(values.messages);
const conversations = Number(values.conversations);
const step = Number(values.step);
const budgetMs = Number(values.budget);

const PAGE = 50;
const REPEATS = 15;
/** Seeded, so that each run draws the same numbers. */
const random = startRandom(1);
const generator = new TextGenerator(random);
const { vocabulary: words } = generator;
const drawConversation = zipf(random, conversations, 0.7);
let lastId = 1_795_000_000_000_000;

function makeRow(): IndexRow {
  lastId += 1 + Math.floor(random() * 200_000);
  const conversation = 1 + drawConversation();
  const text = generator.words();
  // A word that occurs only in the quieter half of the conversations.
  if (conversation > conversations / 2 && random() < 0.2) text.push('hidden');
  return { id: lastId, at: Math.floor(lastId / 1_000), conversation, text: text.join(' ') };
}

const folder = mkdtempSync(`${tmpdir()}/parley-search-`);
const file = `${folder}/search.db`;
const index = new SearchIndex({ file, has: () => true, warn: (text) => console.error(text) });
try {
  console.log(`${messages} messages in ${conversations} conversations; Node ${process.version}\n`);
  fill(messages, step);
  search();
  fill(Math.min(messages / 10, 50_000), 1);
  showSnippets();
  removeParts();
} finally {
  index.close();
  rmSync(folder, { recursive: true, force: true });
}

function fill(count: number, size: number): void {
  const times: number[] = [];
  let characters = 0;
  for (let done = 0; done < count; done += size) {
    const rows = Array.from({ length: Math.min(size, count - done) }, makeRow);
    for (const { text } of rows) characters += text.length;
    times.push(timed(() => index.add(rows, lastId)));
  }
  const total = times.reduce((sum, time) => sum + time, 0);
  times.sort((a, b) => a - b);
  console.log(
    `added ${size} at a time: ${Math.round((count / total) * 1_000)} messages per second; a call takes ${ms(at(times, 0.5))}, ` +
      `1 in 100 ${ms(at(times, 0.99))}, the longest ${ms(at(times, 1))}`,
  );
  const bytes = statSync(file).size;
  if (size === 1) return;
  console.log(
    `search.db: ${(bytes / count).toFixed(0)} bytes per message, whose text has ${(characters / count).toFixed(0)}\n`,
  );
}

function search(): void {
  const [first = '', second = '', third = '', fourth = ''] = words;
  const rare = words[words.length - 20_000] ?? '';
  const prefixes = words.slice(0, 4).map((word) => `${word.slice(0, 2)}*`);
  const queries: ReadonlyArray<readonly [name: string, query: string]> = [
    ['rare word', rare],
    ['most common word', first],
    ['2 common words', `${first} ${second}`],
    ['phrase', `"${first} ${second}"`],
    ['rare phrase of common words', `"${first} ${second} ${third} ${fourth}"`],
    ['2 characters*', `${first.slice(0, 2)}*`],
    ['4 characters*', `${(words[3_000] ?? '').slice(0, 4)}*`],
    ['4 common prefixes', prefixes.join(' ')],
    ['worst query that is accepted', [...prefixes, `"${`${first} `.repeat(28)}"`].join(' ')],
    ['word of other accounts only', 'hidden'],
    ['no such word', 'absent'],
  ];
  const half = conversations / 2;
  const groups: ReadonlyArray<readonly [name: string, from: number, count: number]> = [
    ['1, the busiest', 1, 1],
    ['1, a quiet one', half, 1],
    ['10', half - 10, 10],
    ['16', half - 16, 16],
    ['17', half - 17, 17],
    [`${half}`, 1, half],
    [`${half}, and ${half * 10} without messages`, 1, half * 11],
  ];
  console.log('| query | conversations | hits | calls | page, median | page, worst | longest call |');
  console.log('|---|---|---|---|---|---|---|');
  for (const [name, query] of queries) {
    for (const [group, from, count] of groups) {
      // After the first half come empty conversations, because the account must not search the others.
      const intervals = Array.from({ length: count }, (_, n) => {
        const conversation = from + n > half ? conversations + n : from + n;
        return { conversation, from: 0, to: Number.MAX_SAFE_INTEGER };
      });
      showPage(name, query, group, intervals);
    }
  }
  console.log();
}

function showPage(name: string, query: string, group: string, intervals: readonly Interval[]): void {
  const parsed = parseQuery(query);
  if (parsed.type === 'refused') throw new Error(`${query}: ${parsed.text}`);
  const match = toMatch(parsed.terms);
  const pages: number[] = [];
  let longest = 0;
  let hits = 0;
  let calls = 0;
  for (let repeat = 0; repeat < REPEATS; repeat += 1) {
    let page = 0;
    let next: number | null = Number.MAX_SAFE_INTEGER;
    hits = 0;
    calls = 0;
    while (next !== null && hits < PAGE) {
      const before: number = next;
      const time = timed(() => {
        const found = index.find({ match, intervals, before, limit: PAGE - hits, budgetMs });
        if (found.type !== 'found') throw new Error(found.type);
        hits += found.ids.length;
        next = found.next;
      });
      page += time;
      longest = Math.max(longest, time);
      calls += 1;
    }
    pages.push(page);
  }
  pages.sort((a, b) => a - b);
  const times = [at(pages, 0.5), at(pages, 1), longest].map(ms).join(' | ');
  console.log(`| ${name} | ${group} | ${hits} | ${calls} | ${times} |`);
}

function showSnippets(): void {
  const parsed = parseQuery(words[200] ?? '');
  if (parsed.type === 'refused') throw new Error(parsed.text);
  const { terms } = parsed;
  const short = Array.from({ length: 1_000 }, () => makeRow().text);
  const long = Array.from({ length: 6 }, () => short.join(' ').slice(0, 8_000));
  const shortTime = timed(() => short.forEach((text) => void snippet(text, terms))) / short.length;
  const longTime =
    timed(() => long.forEach((text) => void snippet(`${text} ${words[200]}`, terms))) / long.length;
  console.log(`a snippet takes ${ms(shortTime)}, or ${ms(longTime)} for a text of 8,000 characters`);
}

function removeParts(): void {
  const times: number[] = [];
  for (let isDone = false; !isDone; ) {
    times.push(
      timed(() => {
        const outcome = index.remove(Number.MAX_SAFE_INTEGER);
        isDone = outcome.type !== 'removed' || outcome.isDone;
      }),
    );
  }
  console.log(`removing a part takes at most ${ms(Math.max(...times))}`);
}

function timed(work: () => unknown): number {
  const began = clock();
  work();
  return clock() - began;
}

function clock(): number {
  if (!values.cpu) return performance.now();
  const { user, system } = process.threadCpuUsage();
  return (user + system) / 1_000;
}

function at(sorted: readonly number[], part: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(part * sorted.length))] ?? 0;
}

function ms(time: number): string {
  return `${time.toFixed(time < 1 ? 2 : 1)} ms`;
}
