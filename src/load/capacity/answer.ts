/** Describes the result of a capacity search in a sentence. */

import { EXIT, type ExitCode } from '../../common/exit.ts';
import { formatCount } from '../result/format.ts';
import type { Scenario } from '../scenario/scenario.ts';
import type { Step } from './step.ts';

export interface Answer {
  readonly text: string;
  readonly exitCode: ExitCode;
}

export function describeStep({ users, result, finding }: Step): string {
  const p99 = result?.latency.deliver?.p99;
  const rate =
    result === undefined ? '' : `, ${formatCount(Math.round(result.figures.deliveredRate))} deliveries/s`;
  // Does not show a latency that is not valid, because somebody would quote it.
  const figures = p99 === undefined || finding.type === 'unknown' ? '' : `: p99 ${p99.toFixed(1)} ms${rate}`;
  const why =
    finding.type === 'carried' ? '' : ` – ${finding.type === 'unknown' ? 'not valid: ' : ''}${finding.why}`;
  return `${formatCount(users)} users${figures}${why}`;
}

/** `steps`: at least one. */
export function answerOf(scenario: Scenario, steps: readonly Step[], server: string): Answer {
  const good = steps
    .filter(({ finding }) => finding.type === 'carried')
    .toSorted((a, b) => b.users - a.users)[0];
  const bad = steps
    .filter(({ finding }) => finding.type !== 'carried')
    .toSorted((a, b) => a.users - b.users)[0];
  const behaviour = describeBehaviour(scenario);
  if (good === undefined) return answerWithout(bad, behaviour, server);
  const figures = good.result?.figures;
  const load =
    figures === undefined
      ? ''
      : ` (${formatCount(Math.round(figures.sentRate))} messages and ${formatCount(Math.round(figures.deliveredRate))} deliveries per second)`;
  const carries = (about: string): string =>
    `The server at ${server} carries ${about} ${formatCount(good.users)} users ${behaviour}${load}.`;
  if (bad === undefined) {
    const end = 'More were not tried, because the limit on open files does not allow it (see "ulimit -n").';
    return { text: `${carries('at least')} ${end}`, exitCode: EXIT.ok };
  }
  const { finding, users } = bad;
  switch (finding.type) {
    case 'unknown':
      return {
        text: `${carries('at least')} Whether it carries ${formatCount(users)} is unknown, because this machine is too busy: ${finding.why}.`,
        exitCode: EXIT.invalid,
      };
    case 'machine_full':
      return {
        text: `${carries('at least')} With ${formatCount(users)}, this machine is saturated: ${finding.why}. To find out more, run this program on another machine.`,
        exitCode: EXIT.ok,
      };
    default:
      return {
        text: `${carries('about')} With ${formatCount(users)}, ${finding.type === 'carried' ? '' : finding.why}.`,
        exitCode: EXIT.ok,
      };
  }
}

function answerWithout(bad: Step | undefined, behaviour: string, server: string): Answer {
  if (bad === undefined || bad.finding.type === 'carried') throw new Error('the search took no step');
  const users = `${formatCount(bad.users)} users`;
  if (bad.finding.type === 'not_carried') {
    const text = `The server at ${server} does not carry ${users} ${behaviour}: ${bad.finding.why}.`;
    return { text, exitCode: EXIT.ok };
  }
  return {
    text: `It is unknown how many users the server at ${server} carries, because this machine is too busy. With ${users} ${behaviour}: ${bad.finding.why}. Try again when nothing else runs here, or run this program on another machine.`,
    exitCode: EXIT.invalid,
  };
}

function describeBehaviour({ talk, groups }: Scenario): string {
  const writes =
    talk?.loop === 'open' ? `who each write ${formatCount(talk.perUserPerMinute)} messages per minute` : '';
  const where = groups.map((group) =>
    group.kind === 'pairs' ? 'in pairs' : `in rooms of ${formatCount(group.size)}`,
  );
  return `${writes} ${where.join(' and ')}`.trim();
}
