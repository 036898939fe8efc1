/** Results as a run could have brought them: made by numbers that look random and are the same every time. */

import {
  LATENCIES,
  type Latency,
  type LatencyKind,
  type Result,
  resultSchema,
  type Second,
} from '../../../src/load/result/result.ts';
import {
  isMeasured,
  type Phase,
  type Scenario,
  scenarioSchema,
} from '../../../src/load/scenario/scenario.ts';
import { startRandom } from '../../support/random.ts';

export interface SampleOptions {
  readonly seed?: number;
  readonly users?: number;
  /** Recipients of a message. */
  readonly fanOut?: number;
  readonly perUserPerMinute?: number;
  readonly phases?: readonly Partial<Phase>[];
  /** Milliseconds of half of the deliveries. */
  readonly deliverMs?: number;
  readonly errors?: Readonly<Record<string, number>>;
  /** Changes of the finished result. */
  readonly change?: (result: Result) => Partial<Result>;
}

const PHASES: readonly Partial<Phase>[] = [
  { kind: 'ramp', seconds: 10 },
  { kind: 'warm_up', seconds: 5 },
  { kind: 'steady', seconds: 30 },
];

const MIB = 2 ** 20;

export function sampleResult(options: SampleOptions = {}): Result {
  const { seed = 7, users = 500, fanOut = 1, perUserPerMinute = 6, deliverMs = 1.2, errors = {} } = options;
  const pick = startRandom(seed);
  const random = (): number => pick(2 ** 32) / 2 ** 32;
  const scenario = scenarioSchema.parse({
    version: 1,
    name: 'sample',
    about: 'Pairs that talk at an even pace.',
    users,
    groups: [{ kind: 'pairs' }],
    talk: { loop: 'open', perUserPerMinute },
    phases: options.phases ?? PHASES,
  });
  const series = secondsOf(scenario, { random, fanOut, perUserPerMinute, deliverMs, errors });
  const measured = series.filter(({ phase }) => phase !== 'ramp' && phase !== 'warm_up');
  const seconds = measured.length;
  const sent = sum(measured, 'sent');
  const delivered = sum(measured, 'delivered');
  const all = sum(series, 'delivered');
  const medians: Record<LatencyKind, number> = {
    connect: 0.3,
    login: 38,
    resume: 4,
    acknowledge: deliverMs * 0.8,
    deliver: deliverMs,
  };
  const counts = { connect: users, login: users, resume: 40, acknowledge: sent, deliver: delivered };
  const cpuSeconds = delivered * 84e-6;
  const result = resultSchema.parse({
    format: 'parley-load',
    version: 1,
    at: '2026-01-20T14:05:00.000Z',
    seed,
    scenario,
    server: { address: '127.0.0.1:4040', protocol: 'parley', name: 'Parley 0.1.0', isOwn: true },
    environment: {
      parley: '0.1.0',
      node: '26.10.0',
      system: 'Linux 6.12.8 x64',
      cpu: 'AMD EPYC 9R14',
      cores: 2,
      memoryBytes: 8 * 2 ** 30,
      openFiles: 1_048_576,
      command: 'parley load sample --users 500',
    },
    ended: 'complete',
    invalid: [],
    figures: {
      seconds,
      due: sent,
      sent,
      late: 0,
      dropped: 0,
      acknowledged: sent,
      refused: 0,
      delivered,
      sentRate: seconds === 0 ? 0 : sent / seconds,
      deliveredRate: seconds === 0 ? 0 : delivered / seconds,
      connections: users,
      logins: users,
      resumes: 40,
      errors,
    },
    correctness: {
      expected: all,
      delivered: all,
      lost: 0,
      repeated: 0,
      reordered: 0,
      foreign: 0,
      unknown: 0,
      examples: [],
    },
    latency: Object.fromEntries(
      LATENCIES.map((kind) => [kind, latencyOf(medians[kind], counts[kind], random)]),
    ),
    usage: {
      cpuSeconds,
      cpuPerDelivery: delivered === 0 ? null : 84,
      cpuPerMessage: sent === 0 ? null : 84 * fanOut,
      busiestThread: { name: 'registry', share: 0.23 },
      threads: [
        { name: 'registry', cpuSeconds: 0.5 * cpuSeconds },
        { name: 'shard-1', cpuSeconds: 0.4 * cpuSeconds },
      ],
      bytesBefore: 84 * MIB,
      bytesAfter: 96 * MIB,
      bytesMost: 97.3 * MIB,
      bytesPerConnection: 21_400,
    },
    generator: { threads: 2, cpuSeconds: 5.4, busy: 0.18, delayP99: 0.9, delayMax: 3.1 },
    series,
    expectations: [],
  });
  return resultSchema.parse({ ...result, ...options.change?.(result) });
}

interface Pace {
  readonly random: () => number;
  readonly fanOut: number;
  readonly perUserPerMinute: number;
  readonly deliverMs: number;
  readonly errors: Readonly<Record<string, number>>;
}

function secondsOf({ phases, users }: Scenario, pace: Pace): Second[] {
  const { random, fanOut, perUserPerMinute, deliverMs } = pace;
  const total = Math.round(phases.reduce((time, phase) => time + phase.seconds, 0));
  const troubles = Object.values(pace.errors).reduce((all, count) => all + count, 0);
  const troubled = Math.round(total * 0.7);
  return phases
    .flatMap((phase) =>
      Array.from({ length: Math.round(phase.seconds) }, (_, index) => ({
        phase,
        part: (index + 1) / phase.seconds,
      })),
    )
    .map(({ phase, part }, second) => {
      const isRamp = phase.kind === 'ramp';
      const isCut = phase.kind === 'storm' && part < 0.2;
      const height = (isRamp ? part : 1) * phase.rate;
      const sent = Math.round(((users * perUserPerMinute) / 60) * height * (0.95 + random() * 0.1));
      const strain = (isMeasured(phase) ? 1 : 1.5) * Math.max(1, phase.rate) * (isCut ? 9 : 1);
      return {
        second: second + 1,
        phase: phase.kind,
        connections: Math.round(users * (isRamp ? part : isCut ? 0.4 : 1)),
        sent,
        acknowledged: sent,
        delivered: sent * fanOut,
        errors: second === troubled ? troubles : 0,
        deliverP50: sent === 0 ? null : deliverMs * strain * (0.9 + random() * 0.2),
        deliverP99: sent === 0 ? null : deliverMs * strain * (4 + random() * 4),
        acknowledgeP99: sent === 0 ? null : deliverMs * strain * (3 + random() * 2),
        serverCores: 0.05 + sent * fanOut * 84e-6 * (0.9 + random() * 0.2) + (isRamp ? 0.8 : 0),
        serverBytes: (84 + 12 * Math.min(1, (second + 1) / 12) + random()) * MIB,
        generatorBusy: 0.1 + random() * 0.1,
      };
    });
}

/** As a log-normal distribution would have it; `null` if there were none. */
function latencyOf(median: number, count: number, random: () => number): Latency | null {
  if (count === 0) return null;
  const values = Array.from(
    { length: Math.min(count, 20_000) },
    () => median * Math.exp(normal(random) * 0.7),
  ).sort((a, b) => a - b);
  const at = (percentile: number): number =>
    values[Math.min(values.length - 1, Math.floor((percentile / 100) * values.length))] ?? 0;
  const percentiles = [0];
  for (let left = 100; left > 100 / values.length; left *= 0.8) percentiles.push(100 - left);
  return {
    count,
    mean: values.reduce((all, value) => all + value, 0) / values.length,
    min: at(0),
    p50: at(50),
    p90: at(90),
    p95: at(95),
    p99: at(99),
    p999: at(99.9),
    p9999: at(99.99),
    max: at(100),
    curve: [...percentiles, 100].map((percentile) => [percentile, at(percentile)]),
  };
}

function sum(series: readonly Second[], what: 'sent' | 'delivered'): number {
  return series.reduce((all, second) => all + second[what], 0);
}

function normal(random: () => number): number {
  return Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
}
