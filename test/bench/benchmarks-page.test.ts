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

describe('the page of benchmarks', () => {
  it('has medians, spreads and ratios, and latencies where one message is on its way', () => {
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
    expect(text).toContain('In all of these runs every delivery came');
  });

  it('says where the generator was what bounded a rate', () => {
    const text = page({ samples: samples((peer, round) => ({ isBound: peer === 'ngIRCd' && round === 2 })) });
    expect(rowsOf(text, 'ngIRCd')[0]).toContain('| ≥ 200,000');
    expect(rowsOf(text, 'Parley')[0]).not.toContain('≥');
  });

  it('says what went wrong, which runs are missing, and who was not there', () => {
    const text = page({
      samples: samples((peer, round) => ({ faults: peer === 'ngIRCd' && round === 1 ? 7 : 0 })).slice(1),
      missing: [inspircd.name],
    });
    expect(text).toContain('- ngIRCd, room: 7 deliveries lost');
    expect(text).toContain('are not in the figures: 1.');
    expect(text).toContain('Not installed on this machine: InspIRCd.');
    expect(text).not.toContain('In all of these runs every delivery came');
  });

  it('has a row for a server of which no run was complete', () => {
    const text = page({ samples: samples().filter(({ peer }) => peer === 'Parley') });
    expect(rowsOf(text, 'ngIRCd')[0]).toBe('| ngIRCd | no run was complete | – | – | – | – |');
  });

  it('is the same when it is made from a file', () => {
    const measured = benchmark({ samples: samples().slice(1), missing: [inspircd.name] });
    const saved = readBenchmark(writeBenchmark(measured), [parley, ngircd], WORKLOADS);
    expect(renderPage(saved)).toBe(renderPage(measured));
    expect(() => readBenchmark(writeBenchmark(measured), [parley], WORKLOADS)).toThrow('ngIRCd is not known');
  });

  it('shows a chart of each workload, and says what is in it', () => {
    const text = page({ samples: samples((peer) => ({ isBound: peer === 'ngIRCd' })) });
    for (const { name } of WORKLOADS) expect(text).toContain(`](benchmarks/${name}.svg)`);
    expect(text).toContain(
      '![Server CPU for each delivery (less is better): Parley 2.00 µs, ngIRCd 2.00 µs. Deliveries a second (more is better): Parley 200,000, ngIRCd ≥ 200,000.]',
    );
  });
});

describe('a chart of the page', () => {
  it('has a bar up to the median, and a whisker from the least to the most', () => {
    const bars = [
      { name: 'Parley', isOwn: true, spread: { median: 2, least: 1, most: 4 }, isAtLeast: false },
      { name: '<other>', isOwn: false, spread: undefined, isAtLeast: false },
    ];
    const svg = renderChart('Title', [{ title: 'Cost', note: 'less', write: String, bars }]);
    const [, x = '', width = ''] = /class="bar own" x="([\d.]+)" y="[\d.]+" width="([\d.]+)"/.exec(svg) ?? [];
    const [, least = '', most = ''] = /class="whisker" d="M([\d.]+) .*?H([\d.]+)/.exec(svg) ?? [];
    expect(Number(least) - Number(x)).toBeCloseTo(Number(width) / 2, 0);
    expect(Number(most) - Number(x)).toBeCloseTo(Number(width) * 2, 0);
    expect(svg.match(/class="bar/g)).toHaveLength(1);
    expect(svg).toContain('&lt;other&gt; no run was complete');
    expect(svg).not.toContain('<other>');
  });
});
