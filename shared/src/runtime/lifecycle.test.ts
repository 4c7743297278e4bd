import { describe, expect, it } from 'vitest';
import { stressService } from '../testing/service-stress.ts';
import { ConfigError } from './env.ts';
import {
  createService,
  createServiceList,
  runProcess,
  type ProcessHost,
  type Program,
  type Service,
} from './lifecycle.ts';
import { createLogger, type Logger } from './logger.ts';

function recordingLog(): { log: Logger; lines: string[] } {
  const lines: string[] = [];
  return {
    log: createLogger({
      service: 't',
      level: 'debug',
      pretty: false,
      destination: { write: (l) => void lines.push(l) },
    }),
    lines,
  };
}

/** A promise that the test settles. */
function deferred(): { promise: Promise<void>; resolve: () => void; reject: (error: Error) => void } {
  let resolve = (): void => undefined;
  let reject = (_: Error): void => undefined;
  const promise = new Promise<void>((yes, no) => {
    resolve = yes;
    reject = no;
  });
  return { promise, resolve, reject };
}

/** A service that writes what happens to it into a shared diary. */
function diarist(
  name: string,
  diary: string[],
  parts: { start?: () => Promise<void>; stop?: () => Promise<void> } = {},
): Service {
  return createService(name, {
    start: async () => {
      diary.push(`${name} starts`);
      await parts.start?.();
    },
    stop: async () => {
      diary.push(`${name} stops`);
      await parts.stop?.();
    },
  });
}

describe('createService', () => {
  it('shares one start and one stop between concurrent callers', async () => {
    const diary: string[] = [];
    const service = diarist('a', diary);
    await Promise.all([service.start(), service.start(), service.start()]);
    await service.start();
    await Promise.all([service.stop(), service.stop()]);
    await service.stop();
    expect(diary).toEqual(['a starts', 'a stops']);
  });

  it('does nothing when stopped without a start', async () => {
    const diary: string[] = [];
    await diarist('a', diary).stop();
    expect(diary).toEqual([]);
  });

  it('lets a stop wait for the start in flight', async () => {
    const diary: string[] = [];
    const gate = deferred();
    const service = diarist('a', diary, { start: () => gate.promise.then(() => void diary.push('a is up')) });
    const started = service.start();
    const stopped = service.stop();
    gate.resolve();
    await Promise.all([started, stopped]);
    expect(diary).toEqual(['a starts', 'a is up', 'a stops']);
  });

  it('lets a start wait for the stop in flight', async () => {
    const diary: string[] = [];
    const gate = deferred();
    const service = diarist('a', diary, {
      stop: () => gate.promise.then(() => void diary.push('a is down')),
    });
    await service.start();
    const stopped = service.stop();
    const restarted = service.start();
    gate.resolve();
    await Promise.all([stopped, restarted]);
    expect(diary).toEqual(['a starts', 'a stops', 'a is down', 'a starts']);
    await service.stop();
    expect(diary.at(-2)).toBe('a stops');
  });

  it('may be started again after a failed start', async () => {
    let attempts = 0;
    const service = createService('a', {
      start: () => (++attempts === 1 ? Promise.reject(new Error('no')) : Promise.resolve()),
      stop: () => Promise.resolve(),
    });
    await expect(service.start()).rejects.toThrow('no');
    await service.stop();
    await service.start();
    expect(attempts).toBe(2);
  });

  it('never runs twice at once nor ends wrongly through 500 random starts and stops', async () => {
    let up = 0;
    let worst = 0;
    const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
    const service = createService('stress', {
      start: async () => {
        up += 1;
        worst = Math.max(worst, up);
        await turn();
      },
      stop: async () => {
        await turn();
        up -= 1;
      },
    });
    await stressService(service, { rounds: 500 });
    expect({ up, worst }).toEqual({ up: 0, worst: 1 });
  });
});

describe('createServiceList', () => {
  it('starts in order and stops in reverse', async () => {
    const diary: string[] = [];
    const list = createServiceList({
      services: [diarist('a', diary), diarist('b', diary)],
      log: recordingLog().log,
      stopDeadlineMs: 1000,
    });
    await list.start();
    expect(await list.stop()).toEqual([]);
    await list.stop();
    expect(diary).toEqual(['a starts', 'b starts', 'b stops', 'a stops']);
  });

  it('stops what was started when a start fails', async () => {
    const diary: string[] = [];
    const list = createServiceList({
      services: [
        diarist('a', diary),
        diarist('b', diary, { start: () => Promise.reject(new Error('taken')) }),
        diarist('c', diary),
      ],
      log: recordingLog().log,
      stopDeadlineMs: 1000,
    });
    await expect(list.start()).rejects.toThrow('taken');
    expect(diary).toEqual(['a starts', 'b starts', 'a stops']);
  });

  it('goes past a service that hangs or throws and names it', async () => {
    const diary: string[] = [];
    const { log, lines } = recordingLog();
    const list = createServiceList({
      services: [
        diarist('a', diary),
        diarist('hangs', diary, { stop: () => new Promise(() => undefined) }),
        diarist('throws', diary, { stop: () => Promise.reject(new Error('x')) }),
      ],
      log,
      stopDeadlineMs: 20,
    });
    await list.start();
    expect(await list.stop()).toEqual(['throws', 'hangs']);
    expect(diary.at(-1)).toBe('a stops');
    expect(lines.filter((line) => line.includes('"name":"hangs"'))).toHaveLength(1);
  });

  it('starts nothing more once a stop was asked for', async () => {
    const diary: string[] = [];
    const gate = deferred();
    const list = createServiceList({
      services: [diarist('a', diary, { start: () => gate.promise }), diarist('b', diary)],
      log: recordingLog().log,
      stopDeadlineMs: 1000,
    });
    const started = list.start();
    const stopped = list.stop();
    gate.resolve();
    await Promise.all([started, stopped]);
    expect(diary).toEqual(['a starts', 'a stops']);
  });
});

/** A process that remembers its exit code instead of ending. */
function fakeHost(): ProcessHost & {
  codes: number[];
  errors: string[];
  emit(event: string, value?: unknown): void;
} {
  const listeners = new Map<string, (value: unknown) => void>();
  const codes: number[] = [];
  const errors: string[] = [];
  return {
    codes,
    errors,
    on: (event, listener) => void listeners.set(event, listener),
    exit: (code) => void codes.push(code),
    writeError: (text) => void errors.push(text),
    emit: (event, value) => listeners.get(event)?.(value),
  };
}

describe('runProcess', () => {
  const program = (services: Service[], log = recordingLog().log): Program<null> => ({
    name: 'demo',
    config: () => null,
    compose: () => ({ services, log }),
    stopDeadlineMs: 20,
  });

  it('exits with 0 after SIGTERM stopped everything', async () => {
    const diary: string[] = [];
    const host = fakeHost();
    const up = deferred();
    const run = runProcess(
      program([diarist('a', diary, { start: () => Promise.resolve(up.resolve()) })]),
      host,
    );
    await up.promise;
    host.emit('SIGTERM');
    await run;
    expect(diary).toEqual(['a starts', 'a stops']);
    expect(host.codes).toEqual([0]);
  });

  it('prints every problem of the settings and exits with 78', async () => {
    const host = fakeHost();
    const refused = (): never => {
      throw new ConfigError(['PORT is not set', 'REDIS_URL is not set']);
    };
    await runProcess({ ...program([]), config: refused }, host);
    expect(host.codes).toEqual([78]);
    expect(host.errors.join('')).toMatch(/PORT is not set\n.*REDIS_URL is not set/);
  });

  it('exits with 1 and shows no foreign message when it cannot be set up', async () => {
    const host = fakeHost();
    const broken = (): never => {
      throw new Error('postgres://u:canary@h/d is bad');
    };
    await runProcess({ ...program([]), compose: broken }, host);
    expect(host.codes).toEqual([1]);
    expect(host.errors.join('')).toMatch(/^demo: could not be set up: .*lifecycle\.test/);
    expect(host.errors.join('')).not.toContain('canary');
  });

  it('exits with 1 when a start fails and when a service does not stop', async () => {
    const failing = fakeHost();
    await runProcess(program([diarist('a', [], { start: () => Promise.reject(new Error('x')) })]), failing);
    expect(failing.codes).toEqual([1]);

    const hanging = fakeHost();
    const up = deferred();
    const run = runProcess(
      program([
        diarist('a', [], {
          start: () => Promise.resolve(up.resolve()),
          stop: () => new Promise(() => undefined),
        }),
      ]),
      hanging,
    );
    await up.promise;
    hanging.emit('SIGINT');
    await run;
    expect(hanging.codes).toEqual([1]);
  });

  it.each(['config', 'compose'] as const)(
    'exits with 0 and starts nothing when the signal comes during %s',
    async (part) => {
      const diary: string[] = [];
      const host = fakeHost();
      const gate = deferred();
      const wait = async <T>(value: T): Promise<T> => {
        host.emit('SIGTERM');
        await gate.promise;
        return value;
      };
      const { compose } = program([diarist('a', diary)]);
      const run = runProcess(
        {
          ...program([]),
          config: () => (part === 'config' ? wait(null) : null),
          compose: async (config) => {
            const composed = await compose(config);
            return part === 'compose' ? await wait(composed) : composed;
          },
        },
        host,
      );
      gate.resolve();
      await run;
      expect(host.codes).toEqual([0]);
      expect(diary).toEqual([]);
    },
  );

  it('exits with 0 when the signal comes while a service starts, also when that start then fails', async () => {
    for (const fails of [false, true]) {
      const diary: string[] = [];
      const host = fakeHost();
      const starting = deferred();
      const gate = deferred();
      const slow = diarist('slow', diary, {
        start: async () => {
          starting.resolve();
          await gate.promise;
        },
      });
      const run = runProcess(
        { ...program([diarist('a', diary), slow, diarist('b', diary)]), stopDeadlineMs: 60_000 },
        host,
      );
      await starting.promise;
      host.emit('SIGTERM');
      if (fails) gate.reject(new Error('its dependency went away'));
      else gate.resolve();
      await run;
      expect(host.codes).toEqual([0]);
      expect(diary).not.toContain('b starts');
      expect(diary.at(-1)).toBe('a stops');
    }
  });

  it('exits at once on a second signal', async () => {
    const host = fakeHost();
    const up = deferred();
    const gate = deferred();
    const hanging = diarist('a', [], {
      start: () => Promise.resolve(up.resolve()),
      stop: () => gate.promise,
    });
    const run = runProcess({ ...program([hanging]), stopDeadlineMs: 60_000 }, host);
    await up.promise;
    host.emit('SIGTERM');
    host.emit('SIGTERM');
    await run;
    expect(host.codes).toEqual([143]);
    gate.resolve();
  });

  it.each(['unhandledRejection', 'uncaughtException'])('logs and exits with 1 on %s', async (event) => {
    const host = fakeHost();
    const { log, lines } = recordingLog();
    const up = deferred();
    void runProcess(program([diarist('a', [], { start: () => Promise.resolve(up.resolve()) })], log), host);
    await up.promise;
    host.emit(event, new Error('lost'));
    expect(host.codes).toEqual([1]);
    expect(lines.join('')).toContain('"code":"INTERNAL"');
  });
});
