import { describe, expect, it } from 'vitest';
import { inspircd } from '../../../bench/peers/inspircd.ts';
import { ngircd } from '../../../bench/peers/ngircd.ts';
import { type Benchmark, renderPage } from '../../../bench/peers/page.ts';
import { parley } from '../../../bench/peers/parley.ts';
import type { Sample } from '../../../bench/peers/sample.ts';
import { WORKLOADS } from '../../../bench/peers/workloads.ts';
import { sampleResult } from '../sample-result.ts';

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

function page(change: Partial<Benchmark> = {}): string {
  return renderPage({
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
  });
}

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
});
