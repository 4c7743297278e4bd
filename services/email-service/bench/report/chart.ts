/** The figures as an SVG, without a library: horizontal bars in groups, the goal as a line across. */
import type { Figures, Report } from './figures.ts';
import { number } from './goals.ts';

interface Bar {
  readonly label: string;
  readonly value: number;
  readonly isOurs: boolean;
}

interface Group {
  readonly title: string;
  readonly unit: string;
  readonly bars: readonly Bar[];
  /** Null where it depends on the bars. */
  readonly goal: { readonly value: number; readonly text: string } | null;
}

const WIDTH = 860;
const LABEL_WIDTH = 250;
const VALUE_WIDTH = 110;
const BAR_HEIGHT = 18;
const ROW_HEIGHT = 26;
const TITLE_HEIGHT = 34;
const GROUP_GAP = 18;
const BAR_SPACE = WIDTH - LABEL_WIDTH - VALUE_WIDTH;

/** Of what was measured. */
export function chart(report: Report): string {
  const groups = groupsOf(report);
  const pieces: string[] = [];
  let top = 46;
  for (const group of groups) {
    pieces.push(drawn(group, top));
    top += heightOf(group) + GROUP_GAP;
  }
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${top + 8}" width="${WIDTH}" height="${top + 8}" role="img" aria-labelledby="title">`,
    `<title id="title">Mailstream beside the floor: ${groups.map(({ title }) => escaped(title)).join('; ')}</title>`,
    '<style>text{font:13px system-ui,sans-serif;fill:#1f2933}.head{font-weight:600}.small{font-size:11px;fill:#52606d}.ours{fill:#1d6fb8}.floor{fill:#9aa5b1}.goal{stroke:#c2410c;stroke-width:2;stroke-dasharray:4 3}.page{fill:#fff}@media(prefers-color-scheme:dark){text{fill:#e4e7eb}.small{fill:#9aa5b1}.ours{fill:#4da3e8}.floor{fill:#616e7c}.goal{stroke:#fb923c}.page{fill:#12181f}}</style>',
    `<rect class="page" width="${WIDTH}" height="${top + 8}"/>`,
    '<text class="head" x="16" y="26">Mailstream beside the floor</text>',
    `<text class="small" x="${WIDTH - 16}" y="26" text-anchor="end">${escaped(report.commit.slice(0, 12))}, ${report.machine.cores} cores</text>`,
    ...pieces,
    '</svg>',
    '',
  ].join('\n');
}

function groupsOf(figures: Figures): readonly Group[] {
  return [
    ...ingestGroup(figures.ingest),
    ...latencyGroups(figures.latency),
    ...listenerGroup(figures.listener),
    ...coldStartGroup(figures.coldStart),
    ...memoryGroup(figures.memory),
    ...takeoverGroup(figures.takeover),
  ];
}

function ingestGroup(ingest: Figures['ingest']): readonly Group[] {
  if (ingest === undefined) return [];
  const { msgPerSecond, ratioToFetch, ratioToSimpleParser } = ingest;
  return [
    {
      title: 'Ingest: messages a second, more is better',
      unit: 'msg/s',
      bars: [
        { label: 'imapflow, fetch alone', value: msgPerSecond / ratioToFetch, isOurs: false },
        { label: 'imapflow + simpleParser', value: msgPerSecond / ratioToSimpleParser, isOurs: false },
        { label: 'Mailstream, fetch to stream', value: msgPerSecond, isOurs: true },
      ],
      goal: { value: 1_500, text: 'goal 1,500' },
    },
  ];
}

function latencyGroups(latency: Figures['latency']): readonly Group[] {
  if (latency === undefined) return [];
  const { p50Ms, p99Ms, floorP50Ms, floorP99Ms } = latency;
  const group = (name: string, ms: number, floorMs: number, allowedMs: number): Group => ({
    title: `Latency ${name}: delivery accepted to entry on the stream, less is better`,
    unit: 'ms',
    bars: [
      { label: 'bare imapflow, IDLE and fetch', value: floorMs, isOurs: false },
      { label: 'Mailstream', value: ms, isOurs: true },
    ],
    goal: { value: floorMs + allowedMs, text: `goal floor + ${allowedMs}` },
  });
  return [group('p50', p50Ms, floorP50Ms, 10), group('p99', p99Ms, floorP99Ms, 50)];
}

function listenerGroup(listener: Figures['listener']): readonly Group[] {
  if (listener === undefined) return [];
  const { count, kibEach } = listener;
  return [
    {
      title: `Memory of an idle listener, ${number(count)} in one process, less is better`,
      unit: 'KiB',
      bars: [{ label: 'Mailstream', value: kibEach, isOurs: true }],
      goal: { value: 64, text: 'goal 64' },
    },
  ];
}

function coldStartGroup(coldStart: Figures['coldStart']): readonly Group[] {
  if (coldStart === undefined) return [];
  const floor = coldStart.seconds / coldStart.ratio;
  return [
    {
      title: 'Cold start of 3,000 folders on one local server, less is better',
      unit: 's',
      bars: [
        { label: 'bare imapflow', value: floor, isOurs: false },
        { label: 'Mailstream', value: coldStart.seconds, isOurs: true },
      ],
      goal: { value: 1.2 * floor, text: 'goal 1.2x' },
    },
  ];
}

function memoryGroup(memory: Figures['memory']): readonly Group[] {
  if (memory === undefined) return [];
  return [
    {
      title: 'Peak memory of the process, less is better',
      unit: 'MiB',
      bars: [
        { label: 'one message of 500 MB', value: memory.peakMib500MbMessage, isOurs: true },
        { label: '1,000 messages of 25 MB at once', value: memory.peakMibFlood, isOurs: true },
      ],
      goal: { value: 512, text: 'goal 512' },
    },
  ];
}

function takeoverGroup(takeover: Figures['takeover']): readonly Group[] {
  if (takeover === undefined) return [];
  const { sigkillSeconds, sigtermSeconds, leaseTtlSeconds } = takeover;
  return [
    {
      title: `Takeover after SIGKILL (goal: lease TTL + 2 s) and SIGTERM (goal: 1 s)`,
      unit: 's',
      bars: [
        { label: 'SIGKILL', value: sigkillSeconds, isOurs: true },
        { label: 'SIGTERM', value: sigtermSeconds, isOurs: true },
      ],
      goal: { value: leaseTtlSeconds + 2, text: `TTL + 2 = ${number(leaseTtlSeconds + 2)}` },
    },
  ];
}

function heightOf({ bars }: Group): number {
  return TITLE_HEIGHT + bars.length * ROW_HEIGHT;
}

function drawn(group: Group, top: number): string {
  const most = Math.max(...group.bars.map(({ value }) => value), group.goal?.value ?? 0);
  const lengthOf = (value: number): number => Math.round((value / most) * BAR_SPACE * 10) / 10;
  const lines = [`<text class="head" x="16" y="${top + 14}">${escaped(group.title)}</text>`];
  for (const [row, { label, value, isOurs }] of group.bars.entries()) {
    const y = top + TITLE_HEIGHT + row * ROW_HEIGHT;
    const length = lengthOf(value);
    lines.push(
      `<text x="${LABEL_WIDTH - 10}" y="${y + 13}" text-anchor="end">${escaped(label)}</text>`,
      `<rect class="${isOurs ? 'ours' : 'floor'}" x="${LABEL_WIDTH}" y="${y}" width="${length}" height="${BAR_HEIGHT}" rx="2"/>`,
      `<text x="${LABEL_WIDTH + length + 8}" y="${y + 13}">${number(value)} ${escaped(group.unit)}</text>`,
    );
  }
  if (group.goal !== null) {
    const x = LABEL_WIDTH + lengthOf(group.goal.value);
    const bottom = top + heightOf(group) - 4;
    lines.push(
      `<line class="goal" x1="${x}" y1="${top + TITLE_HEIGHT - 4}" x2="${x}" y2="${bottom}"/>`,
      `<text class="small" x="${x}" y="${top + TITLE_HEIGHT - 8}" text-anchor="${x > WIDTH - 120 ? 'end' : 'middle'}">${escaped(group.goal.text)}</text>`,
    );
  }
  return lines.join('\n');
}

function escaped(text: string): string {
  return text.replace(/[&<>"]/g, (char) => `&#${char.charCodeAt(0)};`);
}
