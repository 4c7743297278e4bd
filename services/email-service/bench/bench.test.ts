/** What the bench decides without measuring: its command line, its sums, its verdicts, what it writes. */
import { describe, expect, it } from 'vitest';
import { PARTS, readOptions } from './options.ts';
import { perBatch } from './report/batches.ts';
import { chart } from './report/chart.ts';
import { comparedCount, losses, lossLines } from './report/check.ts';
import type { Report } from './report/figures.ts';
import { goalRows, number } from './report/goals.ts';
import { withTable } from './report/kept.ts';
import { roundedReport } from './report/rounding.ts';
import { median, quantile, rounded, spread } from './report/statistics.ts';
import { goalTable, seriesTable } from './report/table.ts';

const REPORT: Report = {
  ingest: { msgPerSecond: 1_600, ratioToFetch: 0.6, ratioToSimpleParser: 3.2 },
  latency: { p50Ms: 508, p99Ms: 550, floorP50Ms: 500, floorP99Ms: 505 },
  listener: { count: 10_000, kibEach: 60, idleCpuPercent: 3 },
  coldStart: { seconds: 40, ratio: 1.1 },
  database: { statementsPerBatch: 3, renewalsPerBeat: 1 },
  takeover: { sigkillSeconds: 31, sigtermSeconds: 0.6, leaseTtlSeconds: 30 },
  memory: { peakMib500MbMessage: 300, peakMibFlood: 400 },
  fairness: { quietP99Ratio: 1.5 },
  machine: {
    cpu: 'A <fast> CPU',
    cores: 2,
    memoryGib: 8,
    system: 'Linux 6',
    node: 'v20.19.0',
    postgresql: '17.0',
    redis: '7.0',
    dovecot: '2.3',
  },
  commit: '0123456789abcdef0123456789abcdef01234567',
};

describe('the command line', () => {
  it('runs every part unless some are named, in the order that is fixed', () => {
    expect(readOptions([])).toMatchObject({ parts: PARTS, extras: [], quick: false });
    expect(readOptions(['latency', 'ingest', '--quick'])).toMatchObject({
      parts: ['ingest', 'latency'],
      quick: true,
    });
  });
  it('runs what is kept apart only when it is named', () => {
    expect(readOptions(['fleet'])).toMatchObject({ parts: [], extras: ['fleet'] });
  });
  it.each([
    [['speed'], 'there is no part "speed"'],
    [['--from=a.json', 'ingest'], '--from measures nothing: name no parts'],
  ])('refuses %j', (argv, words) => expect(readOptions(argv)).toBe(words));
  it('refuses what it does not know', () => expect(readOptions(['--fast'])).toMatch('--fast'));
});

describe('sums', () => {
  it('are the least, the middle and the most', () => {
    expect(spread([5, 1, 9])).toEqual({ runs: 3, min: 1, median: 5, max: 9 });
    expect(median([4, 2])).toBe(3);
  });
  it('lie between two values in proportion', () => {
    expect(quantile([0, 10, 20, 30, 40], 0.99)).toBeCloseTo(39.6);
  });
  it('are refused for no values', () => expect(() => spread([])).toThrow(RangeError));
  it.each([
    [1234.56, 1235],
    [56.789, 56.8],
    [0.98765, 0.988],
    [0, 0],
  ])('are written without noise: %d', (value, written) => expect(rounded(value)).toBe(written));
  it.each([
    [2_743.9, '2,744'],
    [64.25, '64.3'],
    [1.234, '1.23'],
  ])('are read by people: %d', (value, text) => expect(number(value)).toBe(text));
  it('of a report leave its count and its names as they are', () => {
    const { listener, machine } = roundedReport({
      ...REPORT,
      listener: { count: 10_000, kibEach: 61.234, idleCpuPercent: 2.98765 },
    });
    expect(listener).toEqual({ count: 10_000, kibEach: 61.2, idleCpuPercent: 2.99 });
    expect(machine).toEqual(REPORT.machine);
  });
});

describe('statements of a batch', () => {
  const OPEN = ['SELECT folder_state FROM x', 'SELECT uid FROM inbound_messages'];
  const BATCH = [
    'INSERT INTO ingest_attempts',
    'INSERT INTO inbound_messages',
    'UPDATE inbound_messages SET status',
  ];
  it('are those between two commits: not what opening took, nor beats', () => {
    const texts = [...OPEN, ...BATCH, 'UPDATE leases', ...BATCH, ...BATCH];
    expect(perBatch(texts)).toMatchObject({ batches: 2, perBatch: 3 });
  });
  it('cannot be told from one', () => expect(() => perBatch([...OPEN, ...BATCH])).toThrow('fewer than two'));
});

describe('goals', () => {
  it('are met by this report, all of them', () => {
    const rows = goalRows(REPORT);
    expect(rows).toHaveLength(14);
    expect(rows.filter(({ isMet }) => !isMet)).toEqual([]);
  });
  it('tell what missed them', () => {
    const missed = goalRows({ latency: { p50Ms: 511, p99Ms: 540, floorP50Ms: 500, floorP99Ms: 500 } });
    expect(missed.map(({ isMet }) => isMet)).toEqual([false, true]);
    expect(missed[0]?.measured).toBe('511 ms (+11)');
  });
  it('make tables with columns of one width', () => {
    const [head, line] = goalTable(goalRows({ coldStart: { seconds: 40, ratio: 1.5 } }));
    expect(head).toMatch(/^figure +floor +goal +measured/);
    expect(line).toMatch(/^-+ {2}-+ {2}/);
    expect(seriesTable([{ name: 'a', unit: 's', values: [1, 2, 3] }]).at(-1)).toMatch(/^a +s +3 +1 +2 +3$/);
  });
});

describe('--check', () => {
  it('finds nothing in the same figures, and in better ones', () => {
    expect(losses(REPORT, REPORT)).toEqual([]);
    expect(
      losses(REPORT, { ingest: { msgPerSecond: 9_000, ratioToFetch: 3, ratioToSimpleParser: 18 } }),
    ).toEqual([]);
  });
  it('finds a ratio that fell by more than a fifth, whatever the machine', () => {
    const ingest = { msgPerSecond: 9_000, ratioToFetch: 0.47, ratioToSimpleParser: 2.6 };
    const found = losses(REPORT, { ingest });
    expect(found).toEqual([{ figure: 'ingest.ratioToFetch', kept: 0.6, now: 0.47, slowness: 1 }]);
    expect(lossLines(found)).toEqual(['lost: ingest.ratioToFetch was 0.6, is 0.47']);
  });
  it('finds memory that grew', () => {
    const memory = { peakMib500MbMessage: 301, peakMibFlood: 490 };
    expect(losses(REPORT, { memory }).map(({ figure }) => figure)).toEqual(['memory.peakMibFlood']);
  });
  it('leaves noise alone: half a millisecond twice is not a loss', () => {
    const latency = { p50Ms: 510, p99Ms: 560, floorP50Ms: 500, floorP99Ms: 505 };
    expect(losses(REPORT, { latency })).toEqual([]);
  });
  it('blames no figure for the time that a slower machine takes, and one for what is more than that', () => {
    const ingest = { msgPerSecond: 800, ratioToFetch: 0.6, ratioToSimpleParser: 3.2 };
    const latency = { p50Ms: 516, p99Ms: 590, floorP50Ms: 500, floorP99Ms: 505 };
    const listener = { count: 10_000, kibEach: 60, idleCpuPercent: 6 };
    expect(losses(REPORT, { ingest, latency, listener })).toEqual([]);
    expect(lossLines(losses(REPORT, { ingest, listener: { ...listener, idleCpuPercent: 9 } }))).toEqual([
      'lost: listener.idleCpuPercent was 3, is 9, on a machine that is 2 times slower',
    ]);
  });
  it('expects no more of a faster machine', () => {
    const ingest = { msgPerSecond: 3_200, ratioToFetch: 0.6, ratioToSimpleParser: 3.2 };
    expect(losses(REPORT, { ...REPORT, ingest })).toEqual([]);
  });
  it('knows when there was nothing to compare', () => {
    expect(comparedCount(REPORT, {})).toBe(0);
    expect(comparedCount(REPORT, REPORT)).toBe(14);
  });
});

describe('what is kept', () => {
  const README = 'before\n<!-- bench: begin -->\nformer\n<!-- bench: end -->\nafter\n';
  it('is a table between the marks of the README', () => {
    const written = withTable(README, REPORT);
    expect(written).toMatch(/^before\n<!-- bench: begin -->\n\n\| figure/);
    expect(written).toMatch(/\n\n<!-- bench: end -->\nafter\n$/);
    expect(written).toContain('1,600 msg/s');
    expect(written).not.toContain('former');
    expect(withTable(written, REPORT)).toBe(written);
  });
  it('needs the marks', () => expect(() => withTable('nothing', REPORT)).toThrow('has no'));
  it('is a chart that is well-formed and shows floor, figure and goal', () => {
    const svg = chart({ ...REPORT, commit: '<&>' });
    expect(svg).toMatch(/^<svg [^>]*viewBox="0 0 860 \d+"/);
    expect(svg).toContain('1,600 msg/s');
    expect(svg).toContain('2,667 msg/s');
    expect(svg).toContain('goal 1,500');
    expect(svg).toContain('&#60;&#38;&#62;');
    // Nothing is drawn outside.
    const ends = [...svg.matchAll(/<rect class="(?:ours|floor)" x="(\d+)" y="\d+" width="([\d.]+)"/g)];
    expect(ends.length).toBeGreaterThan(10);
    for (const [, x, width] of ends) expect(Number(x) + Number(width)).toBeLessThan(860 - 80);
  });
  it('shows only what was measured', () => {
    const { machine, commit, ingest } = REPORT;
    expect(chart({ machine, commit, ...(ingest && { ingest }) })).not.toContain('Latency');
  });
});
