/** Lists why two results may not be comparable. */

import { isDeepStrictEqual } from 'node:util';
import { shorten } from '../../common/printable.ts';
import type { Result } from './result.ts';

/** Most characters of a value that are shown. */
const SHOWN = 60;

/** One sentence for each difference, the most serious first; empty if the results are comparable. */
export function differencesOf(a: Result, b: Result): string[] {
  return [
    ...validity('A', a),
    ...validity('B', b),
    ...scenario(a, b),
    ...differing('the protocol', a.server.protocol, b.server.protocol),
    ...differing('the seed', a.seed, b.seed),
    ...ownership(a, b),
    ...environment(a, b),
  ];
}

const ENDS = {
  interrupted: 'was interrupted',
  server_gone: 'ended early because the server went away',
  aborted: 'ended early because a threshold was missed',
} as const;

function validity(letter: string, { invalid, ended }: Result): string[] {
  return [
    ...invalid.map(
      (reason) =>
        `${letter} is not valid, so its latencies and rates say nothing about the server: ${reason}`,
    ),
    ...(ended === 'complete' ? [] : [`${letter} ${ENDS[ended]}`]),
  ];
}

/** Ignores the name and the description, which do not affect the run. */
function scenario(a: Result, b: Result): string[] {
  const { name: _nameA, about: _aboutA, ...partsA } = a.scenario;
  const { name: _nameB, about: _aboutB, ...partsB } = b.scenario;
  const [left, right] = [new Map(Object.entries(partsA)), new Map(Object.entries(partsB))];
  return [...new Set([...left.keys(), ...right.keys()])].flatMap((key) =>
    differing(`"${key}" of the scenario`, left.get(key), right.get(key)),
  );
}

function ownership(a: Result, b: Result): string[] {
  if (a.server.isOwn === b.server.isOwn) return [];
  return [`only ${a.server.isOwn ? 'A' : 'B'} started a server for its run`];
}

/** Ignores the version of Parley, because comparing versions is the purpose. */
function environment({ environment: a }: Result, { environment: b }: Result): string[] {
  return [
    ...differing('the processor', a.cpu, b.cpu),
    ...differing('the number of cores', a.cores, b.cores),
    ...differing('the memory of the machine', a.memoryBytes, b.memoryBytes),
    ...differing('the system', a.system, b.system),
    ...differing('the version of Node', a.node, b.node),
  ];
}

function differing(what: string, a: unknown, b: unknown): string[] {
  if (isDeepStrictEqual(a, b)) return [];
  return [`${what} differs: ${shown(a)} in A, ${shown(b)} in B`];
}

function shown(value: unknown): string {
  if (value === undefined) return 'nothing';
  return shorten(typeof value === 'string' ? value : JSON.stringify(value), SHOWN);
}
