import { describe, expect, it } from 'vitest';
import { type Benchmark, readBenchmark, writeBenchmark } from '../../bench/peers/benchmark.ts';
import { renderChart } from '../../bench/peers/chart.ts';
import { inspircd } from '../../bench/peers/inspircd.ts';
import { ngircd } from '../../bench/peers/ngircd.ts';
import { renderPage } from '../../bench/peers/page.ts';
import { parley } from '../../bench/peers/parley.ts';
import type { Sample } from '../../bench/peers/sample.ts';
import { WORKLOADS } from '../../bench/peers/workloads.ts';
import { sampleResult } from '../load/result/sample-result.ts';

function samples(change: (peer: string, round: number) => Partial<Sample> = () => ({})): Sample[] {
  return WORKLOADS.flatMap(({ name: workload }) =>
    ['Parley', 'ngIRCd'].flatMap((peer) =>
      [1, 2, 3].map((round) => ({
        peer,
        workload,
        cpuPerDelivery: round,
        rate: 100_000 * round,
        p50: round,
        p99: 10 * round,
        bytes: 2 ** 20,
        isBound: false,
        faults: 0,
        errors: 0,
        load: 2.5,
        ...change(peer, round),
      })),
    ),
  );
}

function benchmark(change: Partial<Benchmark> = {}): Benchmark {
  return {
    at: '2026-11-26T12:00:00.000Z',
    environment: sampleResult().environment,
    fileSystem: 'ext4',
    rounds: 3,
    seconds: 8,
    peers: [
      { peer: parley, version: '0.1.0' },
      { peer: ngircd, version: '26.1' },
    ],
    missing: [],
    workloads: WORKLOADS,
    samples: samples(),
    ...change,
  };
}

const page = (change: Partial<Benchmark> = {}): string => renderPage(benchmark(change));

const rowsOf = (text: string, name: string): string[] =>
  text.split('\n').filter((line) => line.startsWith(`| ${name} |`));

describe('the benchmarks page', () => {
  it('shows medians, ranges and ratios, and latencies for one message in flight', () => {
    const text = page({
      samples: samples((peer, round) =>
        peer === 'Parley' ? {} : { cpuPerDelivery: round / 4, rate: 50_000 },
      ),
    });
    const rows = rowsOf(text, 'ngIRCd');
    expect(rows).toHaveLength(WORKLOADS.length);
    expect(rows[0]).toBe(
      '| ngIRCd | 0.500 µs (0.250 µs – 0.750 µs) | 0.25 | 50,000 (50,000 – 50,000) | 0.25 | 1.00 MiB |',
    );
    expect(rows.at(-1)).toContain('| 2.00 ms (1.00 ms – 3.00 ms) | 20.0 ms (10.0 ms – 30.0 ms) |');
    expect(text).toContain('In all of these runs every message reached');
  });

  it('marks rates that the generator may have limited', () => {
    const text = page({ samples: samples((peer, round) => ({ isBound: peer === 'ngIRCd' && round === 2 })) });
    expect(rowsOf(text, 'ngIRCd')[0]).toContain('| ≥ 200,000');
    expect(rowsOf(text, 'Parley')[0]).not.toContain('≥');
  });

  it('lists faults, incomplete runs and servers that are not installed', () => {
    const text = page({
      samples: samples((peer, round) => ({ faults: peer === 'ngIRCd' && round === 1 ? 7 : 0 })).slice(1),
      missing: [inspircd.name],
    });
    expect(text).toContain('- ngIRCd, room: 7 messages lost');
    expect(text).toContain('- Incomplete runs, which are not in the figures: 1.');
    expect(text).toContain('Not installed on this machine: InspIRCd.');
    expect(text).not.toContain('In all of these runs every message reached');
  });

  it('has a row for a server without a complete run', () => {
    const text = page({ samples: samples().filter(({ peer }) => peer === 'Parley') });
    expect(rowsOf(text, 'ngIRCd')[0]).toBe('| ngIRCd | no complete run | – | – | – | – |');
  });

  it('is the same when it is generated from a file', () => {
    const measured = benchmark({ samples: samples().slice(1), missing: [inspircd.name] });
    const saved = readBenchmark(writeBenchmark(measured), [parley, ngircd], WORKLOADS);
    expect(renderPage(saved)).toBe(renderPage(measured));
    expect(() => readBenchmark(writeBenchmark(measured), [parley], WORKLOADS)).toThrow(
      'unknown server or workload ngIRCd',
    );
  });

  it('shows a chart of each workload and describes it in words', () => {
    const text = page({ samples: samples((peer) => ({ isBound: peer === 'ngIRCd' })) });
    for (const { name } of WORKLOADS) expect(text).toContain(`](benchmarks/${name}.svg)`);
    expect(text).toContain(
      '![Server CPU per delivery (lower is better): Parley 2.00 µs, ngIRCd 2.00 µs. Deliveries per second (higher is better): Parley 200,000, ngIRCd ≥ 200,000.]',
    );
  });
});

describe('a chart of the benchmarks page', () => {
  it('has a bar up to the median and a whisker from the minimum to the maximum', () => {
    const bars = [
      { name: 'Parley', isReference: true, spread: { median: 2, least: 1, most: 4 }, isAtLeast: false },
      { name: '<other>', isReference: false, spread: undefined, isAtLeast: false },
    ];
    const svg = renderChart('Title', [{ title: 'Cost', note: 'lower', format: String, bars }]);
    const [, x = '', width = ''] =
      /class="bar reference" x="([\d.]+)" y="[\d.]+" width="([\d.]+)"/.exec(svg) ?? [];
    const [, least = '', most = ''] = /class="whisker" d="M([\d.]+) .*?H([\d.]+)/.exec(svg) ?? [];
    expect(Number(least) - Number(x)).toBeCloseTo(Number(width) / 2, 0);
    expect(Number(most) - Number(x)).toBeCloseTo(Number(width) * 2, 0);
    expect(svg.match(/class="bar/g)).toHaveLength(1);
    expect(svg).toContain('&lt;other&gt; no complete run');
    expect(svg).not.toContain('<other>');
  });
});
