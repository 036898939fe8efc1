/** Finds scenarios that make no sense although each value is valid: nobody takes part, or nothing is measured. */

import { fullRate, isMeasured, type Scenario } from './scenario.ts';

export interface Nonsense {
  /** The path of the value in the scenario. */
  readonly path: readonly PropertyKey[];
  /** What is wrong, and how to fix it. */
  readonly message: string;
}

/** The highest total message rate, per second. */
export const HIGHEST_RATE = 10_000_000;
/** Each pair of a writer and a reader takes 4 bytes, so this limit is 1 GB. */
const MAX_PAIRS = 250_000_000;

/** Empty if the scenario makes sense. */
export function nonsenseIn(scenario: Scenario): Nonsense[] {
  const { users, idle, groups, talk, phases, stormShare } = scenario;
  const found: Nonsense[] = [];
  const refuse = (key: keyof Scenario, message: string): void => void found.push({ path: [key], message });
  if (users + idle === 0) {
    refuse('users', 'nobody takes part; set at least 1 user or idle connection');
    return found;
  }
  if (!phases.some(isMeasured)) {
    refuse('phases', 'nothing is measured; add a "steady", "spike", "storm" or "soak" phase');
  }
  if (phases.some(({ kind }) => kind === 'storm') && stormShare === 0) {
    refuse('stormShare', 'the storm cuts no connection; set more than 0, or remove the storm phase');
  }
  if (pairsOf(scenario) > MAX_PAIRS) {
    refuse(
      'groups',
      `${pairsOf(scenario).toLocaleString('en-US')} pairs of a writer and a reader are too many to track; set "writers", or make the rooms smaller`,
    );
  }
  if (talk === undefined) return found;
  if (groups.length === 0) refuse('talk', 'there is nobody to write to; add "groups", or remove "talk"');
  else if (users < 2) refuse('users', 'a single user has nobody to write to; set at least 2');
  const isSilent =
    (talk.loop === 'open' && (talk.perUserPerMinute === 0 || groups.every(({ weight }) => weight === 0))) ||
    phases.every((phase) => !isMeasured(phase) || phase.rate === 0);
  if (isSilent && groups.length > 0) {
    refuse(
      'talk',
      'nobody writes in the measured phases, because a rate is 0; remove "talk" if that is intended',
    );
  }
  if (fullRate(scenario) > HIGHEST_RATE) {
    refuse(
      'talk',
      `${fullRate(scenario).toLocaleString('en-US')} messages per second exceed the maximum of ${HIGHEST_RATE.toLocaleString('en-US')}`,
    );
  }
  return found;
}

function pairsOf({ users, groups }: Scenario): number {
  return groups.reduce((sum, group) => {
    if (group.kind === 'pairs') return sum + users * 2;
    const size = Math.min(group.size, users);
    return sum + users * Math.min(group.perUser, users) * Math.min(group.writers ?? size, size);
  }, 0);
}
