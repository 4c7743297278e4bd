import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FaultError } from '../errors/fault-error.ts';
import { createLogger, type LogFields, type Logger } from './logger.ts';

function capture(options: { pretty?: boolean; level?: 'debug' | 'info' } = {}): {
  log: Logger;
  text: () => string;
  lines: () => string[];
} {
  let text = '';
  const log = createLogger({
    service: 'test',
    level: options.level ?? 'debug',
    pretty: options.pretty ?? false,
    destination: { write: (line) => void (text += line) },
  });
  return { log, text: () => text, lines: () => text.split('\n').filter((line) => line !== '') };
}

const CANARY = 'canary-7f3b-secret';

describe('logger', () => {
  it('writes one JSON object per line with level, time, service, message and fields', () => {
    const { log, lines } = capture();
    log.child({ tenantId: 't1' }).info('listener started', { folder: 'INBOX', epoch: 3 });
    expect(lines()).toHaveLength(1);
    expect(JSON.parse(lines()[0] ?? '')).toMatchObject({
      level: 'info',
      service: 'test',
      message: 'listener started',
      tenantId: 't1',
      folder: 'INBOX',
      epoch: 3,
    });
  });

  it('adds the fields of a child and of its parent, and those of the line in place of both', () => {
    const { log, lines } = capture();
    const child = log.child({ tenantId: 't1', epoch: 1, code: 'A' }).child({ providerId: 'p1', epoch: 2 });
    child.warn('listener fault', { code: 'B' });
    log.warn('another');
    const [line = '', other = ''] = lines();
    expect(JSON.parse(line)).toMatchObject({ tenantId: 't1', providerId: 'p1', epoch: 2, code: 'B' });
    expect(line.match(/"(?:epoch|code)":/g)).toHaveLength(2);
    expect(other).not.toContain('tenantId');
  });

  it('drops every field that is not on the list, also in a child', () => {
    const { log, text } = capture();
    const sneaky = {
      password: CANARY,
      subject: CANARY,
      token: CANARY,
      body: { text: CANARY },
      code: 'X',
    } as unknown as LogFields;
    log.child(sneaky).error('failed', sneaky);
    expect(text()).toContain('"code":"X"');
    expect(text()).not.toContain(CANARY);
  });

  it('drops a listed field of another type, so that an object cannot ride on it', () => {
    const { log, text } = capture();
    log.info('x', { detail: { password: CANARY }, count: CANARY, ok: CANARY } as unknown as LogFields);
    expect(text()).not.toContain(CANARY);
  });

  it('keeps name, code and frames of a foreign error but never its message, input or properties', () => {
    const { log, text, lines } = capture();
    const error = Object.assign(
      new SyntaxError(`Unexpected token in "${CANARY}"\n    at fake (${CANARY}.js:1:1)`),
      {
        code: 'ERR_PARSE',
        config: { auth: CANARY },
        cause: Object.assign(new Error(CANARY), { name: 'ReplyError', message: `WRONGPASS ${CANARY}` }),
      },
    );
    log.error('failed', { error });
    expect(text()).not.toContain(CANARY);
    const logged = (JSON.parse(lines()[0] ?? '') as { error: { frames: string[] } }).error;
    expect(logged).toMatchObject({
      name: 'SyntaxError',
      code: 'ERR_PARSE',
      cause: { name: 'ReplyError', code: 'WRONGPASS' },
    });
    expect(logged.frames[0]).toMatch(/^at .*logger\.test\.ts/);
  });

  it('keeps the message of a FaultError and of the engine’s own type errors', () => {
    const { log, text } = capture();
    log.warn('retrying', {
      error: new FaultError({ kind: 'transient', code: 'IMAP_TIMEOUT', detail: 'no answer in 10 s' }),
    });
    const nothing = undefined as unknown as { x: { y: number } };
    try {
      void nothing.x.y;
    } catch (error) {
      log.error('bug', { error });
    }
    expect(text()).toContain('IMAP_TIMEOUT: no answer in 10 s');
    expect(text()).toContain("Cannot read properties of undefined (reading 'x')");
  });

  it('describes anything that was thrown without failing', () => {
    const { log, lines } = capture();
    for (const error of [undefined, null, CANARY, 5, {}, Object.create(null), Symbol('x')])
      log.error('thrown', { error });
    expect(lines()).toHaveLength(7);
    expect(lines().join('')).not.toContain(CANARY);
  });

  it('masks mail addresses, credentials in URLs and bearer tokens in the texts that remain', () => {
    const { log, text } = capture();
    log.warn('x', {
      folder: 'Other Users/jane.doe@example.org',
      detail: `connect postgres://app:${CANARY}@db:5432/x with Bearer ${CANARY}aaaa for <bob@example.org>`,
    });
    expect(text()).not.toContain(CANARY);
    expect(text()).not.toContain('example.org');
    expect(text()).toContain('postgres://[secret]@db:5432/x');
  });

  it.each([
    ['line feed', '\n'],
    ['carriage return', '\r'],
    ['escape', '\u001b[2J'],
    ['line separator', '\u2028'],
    ['right-to-left override', '\u202e'],
    ['C1 control', '\u009b31m'],
    ['NUL', '\u0000'],
    ['lone surrogate', '\ud800'],
  ])('neutralises %s in values and messages, pretty or not', (_, nasty) => {
    for (const pretty of [false, true]) {
      const { log, text } = capture({ pretty });
      log.info(`a${nasty}b`, { folder: `c${nasty}{"level":"error"}` });
      const body = pretty
        ? text()
            .replaceAll(/\u001b\[\d+m/g, '')
            .trimEnd()
        : text().trimEnd();
      // eslint-disable-next-line no-control-regex
      expect(body).not.toMatch(/[\u0000-\u001f\u007f-\u009f\u2028\u2029\u202e]/);
      expect(body.split('\n')).toHaveLength(1);
    }
  });

  it('caps long texts', () => {
    const { log, text } = capture();
    log.info('m'.repeat(5e6), { detail: 'd'.repeat(5e6) });
    expect(text().length).toBeLessThan(2000);
  });

  it('writes exactly one parseable line whatever the text', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (value) => {
        const { log, text } = capture();
        log.info(value, { detail: value, folder: value });
        expect(text().split('\n')).toHaveLength(2);
        JSON.parse(text());
      }),
    );
  });

  it('is quiet below its level', () => {
    const { log, text } = capture({ level: 'info' });
    log.debug('hidden');
    expect(text()).toBe('');
  });
});
