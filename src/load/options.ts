/** The command-line options of `parley load`, and their effect on a scenario. */

import { isMeasured, type Scenario, SHORTEST_TEXT, scenarioSchema } from './scenario/scenario.ts';
import { nonsenseIn } from './scenario/scenario-sense.ts';

/** Options that were not given are undefined. */
export interface LoadOptions {
  /** A name or a file. */
  readonly scenario: string;
  readonly server?: string | undefined;
  readonly protocol: string;
  readonly iMayLoad?: string | undefined;
  readonly pid?: number | undefined;
  /** Number of accounts prepared on the server. */
  readonly accounts?: number | undefined;
  readonly passwordFile?: string | undefined;
  readonly users?: number | undefined;
  /** Messages per second, over all users. */
  readonly rate?: number | undefined;
  /** Selects a closed loop with that many messages in flight in each conversation. */
  readonly closed?: number | undefined;
  /** Members per room. */
  readonly room?: number | undefined;
  /** Total length of the measured phases. */
  readonly seconds?: number | undefined;
  readonly text?: number | undefined;
  readonly seed?: number | undefined;
  readonly threads?: number | undefined;
  /** Threads of the server that is started for the run. */
  readonly workers?: number | undefined;
  readonly json?: string | undefined;
  readonly html?: string | undefined;
  readonly expect: readonly string[];
  readonly abortOnFail: boolean;
  readonly quiet: boolean;
}

export type Adjusted =
  | { readonly type: 'adjusted'; readonly scenario: Scenario }
  | { readonly type: 'refused'; readonly text: string };

/** Applies the options to the scenario. */
export function adjust(scenario: Scenario, options: LoadOptions): Adjusted {
  const { users = scenario.users, rate, closed, room, seconds, text } = options;
  if (rate !== undefined && closed !== undefined) {
    return refuse(
      '--rate and --closed exclude each other, because in a closed loop the server sets the rate',
    );
  }
  if (text !== undefined && text < SHORTEST_TEXT) {
    return refuse(`--text must be at least ${SHORTEST_TEXT} bytes, because each message contains a stamp`);
  }
  const talk =
    closed !== undefined
      ? { loop: 'closed' as const, inFlight: closed }
      : rate !== undefined
        ? { loop: 'open' as const, perUserPerMinute: (rate * 60) / Math.max(1, users) }
        : scenario.talk;
  const groups = scenario.groups.map((group) =>
    room !== undefined && group.kind === 'rooms' ? { ...group, size: room } : group,
  );
  const adjusted = scenarioSchema.safeParse({
    ...scenario,
    users,
    groups,
    phases: seconds === undefined ? scenario.phases : stretch(scenario.phases, seconds),
    ...(talk === undefined ? {} : { talk }),
    ...(text === undefined ? {} : { textBytes: text }),
  });
  if (adjusted.success) {
    const [nonsense] = nonsenseIn(adjusted.data);
    if (nonsense === undefined) return { type: 'adjusted', scenario: adjusted.data };
    return refuse(`${nonsense.path.join('.')}: ${nonsense.message}`);
  }
  return refuse(adjusted.error.issues.map(({ path, message }) => `${path.join('.')}: ${message}`).join('; '));
}

/** Scales the measured phases to that total length. */
function stretch(phases: Scenario['phases'], seconds: number): Scenario['phases'] {
  const all = phases.filter(isMeasured).reduce((sum, phase) => sum + phase.seconds, 0);
  return phases.map((phase) =>
    isMeasured(phase) ? { ...phase, seconds: (phase.seconds * seconds) / all } : phase,
  );
}

function refuse(text: string): Adjusted {
  return { type: 'refused', text };
}
