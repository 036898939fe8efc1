/** Finds a scenario by name or reads it from a file. Errors in a file are reported with their line. */

import { readFileSync } from 'node:fs';
import type { z } from 'zod';
import { withoutByteOrderMark } from '../../common/byte-order-mark.ts';
import { didYouMean } from '../../common/did-you-mean.ts';
import { lineAt } from './json-line.ts';
import { PHASES, type Scenario, scenarioSchema } from './scenario.ts';
import { nonsenseIn } from './scenario-sense.ts';
import { SCENARIOS } from './scenarios.ts';

export type FoundScenario =
  | { readonly type: 'found'; readonly scenario: Scenario }
  | { readonly type: 'refused'; readonly text: string };

/** All keys of a scenario file, for suggestions. */
const KEYS = [
  ...Object.keys(scenarioSchema.shape),
  ...[
    'kind',
    'weight',
    'size',
    'perUser',
    'writers',
    'loop',
    'perUserPerMinute',
    'inFlight',
    'seconds',
    'rate',
  ],
];
/** All words that occur as values, for suggestions. */
const WORDS = [...PHASES, 'pairs', 'rooms', 'open', 'closed'];

/** `name`: a built-in scenario, or a file whose name ends in `.json`. */
export function findScenario(name: string): FoundScenario {
  if (/\.json$/i.test(name)) return readScenario(name);
  const scenario = SCENARIOS.get(name);
  if (scenario !== undefined) return { type: 'found', scenario };
  const meant = didYouMean(name, SCENARIOS.keys());
  const hint = meant === undefined ? '' : ` Did you mean ${meant}?`;
  const names = [...SCENARIOS.keys()].join(', ');
  return refuse(
    `there is no scenario ${name}.${hint} The scenarios are ${names}; or name a file that ends in .json.`,
  );
}

function readScenario(path: string): FoundScenario {
  let text: string;
  try {
    text = withoutByteOrderMark(readFileSync(path, 'utf8'));
  } catch (error) {
    return refuse(`cannot read ${path}: ${error instanceof Error ? error.message : String(error)}`);
  }
  return parseScenario(text, path);
}

/** `source`: the name of the file in error messages. */
export function parseScenario(text: string, source: string): FoundScenario {
  let data: unknown;
  try {
    data = JSON.parse(text);
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    return refuse(`${source} is not JSON: ${why}`);
  }
  const parsed = scenarioSchema.safeParse(data);
  if (parsed.success) {
    const nonsense = nonsenseIn(parsed.data);
    if (nonsense.length === 0) return { type: 'found', scenario: parsed.data };
    const problems = nonsense.map(
      ({ path, message }) => `line ${lineAt(text, path)}, ${pathOf(path)}: ${message}`,
    );
    return refuse([`${source} makes no sense:`, ...problems].join('\n  '));
  }
  const problems = parsed.error.issues.map((issue) => describe(issue, text));
  return refuse([`${source} is not a scenario:`, ...problems].join('\n  '));
}

function describe(issue: z.core.$ZodIssue, text: string): string {
  const unknown = issue.code === 'unrecognized_keys' ? issue.keys.slice(0, 1) : [];
  const line = lineAt(text, [...issue.path, ...unknown]);
  const place = pathOf(issue.path);
  const where = `line ${line}, ${place === '' ? '' : `${place}: `}`;
  if (issue.code === 'unrecognized_keys') {
    const names = issue.keys.map((name) => {
      const meant = didYouMean(name, KEYS);
      return `there is no "${name}"${meant === undefined ? '' : `; did you mean "${meant}"?`}`;
    });
    return where + names.join(', ');
  }
  const given = valueAt(text, issue.path);
  const meant = typeof given === 'string' ? didYouMean(given, WORDS) : undefined;
  const hint = meant === undefined || meant === given ? '' : `; did you mean "${meant}"?`;
  return `${where}${issue.message}${hint}`;
}

/** Formats a path as `phases[2].seconds`. */
function pathOf(path: readonly PropertyKey[]): string {
  return path
    .map((part, index) =>
      typeof part === 'number' ? `[${part}]` : `${index === 0 ? '' : '.'}${String(part)}`,
    )
    .join('');
}

function valueAt(text: string, path: readonly PropertyKey[]): unknown {
  let value: unknown = JSON.parse(text);
  for (const part of path) {
    if (typeof value !== 'object' || value === null) return undefined;
    value = Reflect.get(value, part);
  }
  return value;
}

function refuse(text: string): FoundScenario {
  return { type: 'refused', text };
}
