/** One trace from the fetch to the ticket, over two processes, at a collector; and nothing of it where traces are off. */
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, expect, it } from 'vitest';
import { deliver } from '@mailstream/shared/testing/deliver';
import { useDovecot } from '@mailstream/shared/testing/fixtures';
import { traceIdOf } from '@mailstream/shared/tracing/message-trace';
import { isWatching, startDaemon, useWorld, type Daemon } from './daemon.ts';
import { useOtlpCollector } from './otlp-collector.ts';

const world = await useWorld();
const dovecot = useDovecot();
const collector = await useOtlpCollector();
const started: Daemon[] = [];
afterAll(async () => {
  await Promise.all(started.map((process) => process.stop()));
});

const WORKER = fileURLToPath(new URL('../../workflow-worker/dist/main.js', import.meta.url));
const traces = {
  OTEL_TRACES_EXPORTER: 'otlp',
  OTEL_EXPORTER_OTLP_ENDPOINT: collector.endpoint,
  OTEL_EXPORTER_OTLP_HEADERS: 'x-collector-key=key-of-the-collector',
  OTEL_RESOURCE_ATTRIBUTES: 'deployment.environment.name=test',
  OTEL_BSP_SCHEDULE_DELAY: '20',
};

function start(env: Readonly<Record<string, string>>, main?: string): Daemon {
  const process = startDaemon({ ...world.env, ...env }, main);
  started.push(process);
  return process;
}

const username = dovecot.newUser();
const send = (id: string): Promise<void> =>
  deliver({
    ...{
      host: dovecot.host,
      port: dovecot.lmtpPort,
      from: 'secret-sender@example.org',
      to: `${username}@example.com`,
    },
    raw: Buffer.from(
      `From: secret-sender@example.org\r\nSubject: secret subject\r\nMessage-ID: <${id}@secret.example>\r\n\r\nsecret body\r\n`,
    ),
  });

it('shows each message from the fetch to its ticket, in both processes, under its event id', async () => {
  const { tenant, id } = await world.addProvider({ ...dovecot, username, folders: ['INBOX'] });
  const daemon = start(traces);
  const worker = start(traces, WORKER);
  await daemon.waitForLog(isWatching('INBOX', id));
  await send('one');
  await send('two');
  const entries = await world.entries(2);
  const wanted = ['commit', 'fetch', 'parse', 'process', 'publish', 'store', 'ticket'];
  for (const { fields } of entries) {
    const eventId = fields['event_id'] ?? '';
    const own = () => collector.spans.filter(({ traceId }) => traceId === traceIdOf(eventId));
    await expect
      .poll(
        () =>
          own()
            .map(({ name }) => name)
            .sort(),
        { timeout: 30_000 },
      )
      .toEqual(wanted);
    const spanOf = (name: string) => {
      const span = own().find((each) => each.name === name);
      if (span === undefined) throw new Error(`no span ${name}`);
      return span;
    };
    // One root, everything else below it, the ticket below the handling of the entry.
    const root = spanOf('fetch');
    expect(root.parentSpanId).toBe('');
    for (const name of ['parse', 'store', 'commit', 'publish', 'process'])
      expect(spanOf(name).parentSpanId, name).toBe(root.spanId);
    expect(spanOf('ticket').parentSpanId).toBe(spanOf('process').spanId);
    // In the order of what happens, by clocks of one machine.
    const order = ['fetch', 'parse', 'commit', 'publish', 'process', 'ticket'].map(
      (name) => spanOf(name).start,
    );
    expect(order).toEqual([...order].sort((a, b) => (a < b ? -1 : a > b ? 1 : 0)));
    for (const span of own()) expect(span.end >= span.start, span.name).toBe(true);
    expect(new Set(own().map(({ service }) => service))).toEqual(
      new Set(['mailstream-email-service', 'mailstream-workflow-worker']),
    );
    expect(spanOf('ticket').attributes).toMatchObject({
      ...{ 'mailstream.event.id': eventId, 'mailstream.tenant.id': tenant, 'mailstream.outcome': 'ticket' },
    });
  }
  // Nothing was added to what consumers read.
  expect(Object.keys(entries[0]?.fields ?? {}).sort()).toEqual(
    ['event_id', 'event_name', 'event_type', 'execution_id', 'payload_json', 'tenant', 'timestamp'].sort(),
  );
  expect(collector.headers()).toMatchObject({ 'x-collector-key': 'key-of-the-collector' });
  expect(collector.bodies.join('')).toContain('deployment.environment.name');
  for (const secret of ['secret', 'example.org', 'INBOX', username, 'key-of-the-collector'])
    expect(collector.bodies.join(''), secret).not.toContain(secret);
  expect(await daemon.stop()).toBe(0);
  expect(await worker.stop()).toBe(0);
  for (const { lines } of [daemon, worker])
    expect(JSON.stringify(lines)).not.toContain('key-of-the-collector');
});

it('loses no mail to a collector that is not there', async () => {
  const { id } = await world.addProvider({ ...dovecot, username, folders: ['INBOX'] });
  const before = (await world.entries(0)).length;
  const daemon = start({
    ...traces,
    OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:1',
    OTEL_EXPORTER_OTLP_TIMEOUT: '300',
  });
  await daemon.waitForLog(isWatching('INBOX', id));
  await send('three');
  await world.entries(before + 1);
  await daemon.waitForLog(({ message }) => message === 'traces could not be sent');
  expect(await daemon.stop()).toBe(0);
});

it('loads nothing of OpenTelemetry where traces are off, in either process', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'mailstream-loaded-'));
  try {
    for (const [main, ready] of [
      [undefined, 'started'],
      [WORKER, 'reading entries'],
    ] as const) {
      // Node writes down what it ran when it ends.
      const process = start({ NODE_V8_COVERAGE: folder }, main);
      await process.waitForLog(({ message }) => message === ready);
      expect(await process.stop()).toBe(0);
    }
    const files = await readdir(folder);
    const loaded = await Promise.all(files.map((file) => readFile(join(folder, file), 'utf8')));
    const urls = loaded.flatMap((text) =>
      (JSON.parse(text) as { result: { url: string }[] }).result.map(({ url }) => url),
    );
    expect(urls.some((url) => url.endsWith('/tracing/create-tracer.js'))).toBe(true);
    // The API alone is loaded by prom-client.
    expect(urls.filter((url) => /otlp-tracer|@opentelemetry\/(?!api\/)/.test(url))).toEqual([]);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});
