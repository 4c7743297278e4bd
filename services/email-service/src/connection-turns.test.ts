import { describe, expect, it } from 'vitest';
import type { Clock } from '@mailstream/shared/domain/time';
import { ConnectionTurns, type Turn } from './connection-turns.ts';

/** A clock that moves only when told. */
class ManualClock implements Clock {
  #nowMs = 0;
  #timers: { readonly atMs: number; readonly action: () => void }[] = [];
  monotonicMs = (): number => this.#nowMs;
  now = (): Date => new Date(this.#nowMs);
  schedule = (delayMs: number, action: () => void): (() => void) => {
    const timer = { atMs: this.#nowMs + delayMs, action };
    this.#timers.push(timer);
    return () => (this.#timers = this.#timers.filter((other) => other !== timer));
  };
  advance(ms: number): void {
    this.#nowMs += ms;
    const due = this.#timers.filter((timer) => timer.atMs <= this.#nowMs);
    this.#timers = this.#timers.filter((timer) => timer.atMs > this.#nowMs);
    for (const timer of due) timer.action();
  }
}

const QUANTUM = 5_000;

function setup(caps: { perTenant?: number; perHost?: number }): {
  clock: ManualClock;
  holding: Set<string>;
  yielded: string[];
  ask(name: string, tenant?: string, host?: string): Turn;
} {
  const clock = new ManualClock();
  const turns = new ConnectionTurns(clock, { perTenant: 0, perHost: 0, quantumMs: QUANTUM, ...caps });
  const holding = new Set<string>();
  const yielded: string[] = [];
  return {
    clock,
    holding,
    yielded,
    ask: (name, tenant = 't', host = 'h') =>
      turns.request(
        { tenant, host },
        { came: () => void holding.add(name), yieldNow: () => void yielded.push(name) },
      ),
  };
}

describe('connection turns', () => {
  it('come at once without a cap', () => {
    const at = setup({});
    for (const name of ['a', 'b', 'c']) at.ask(name);
    expect([...at.holding]).toEqual(['a', 'b', 'c']);
  });

  it('are capped per tenant and per host, each by itself', () => {
    const at = setup({ perTenant: 2, perHost: 3 });
    at.ask('a', 't1');
    at.ask('b', 't1');
    expect(at.ask('c', 't1').isWaiting).toBe(true);
    at.ask('d', 't2');
    expect(at.ask('e', 't2').isWaiting).toBe(true);
    at.ask('f', 't2', 'other');
    expect([...at.holding]).toEqual(['a', 'b', 'd', 'f']);
  });

  it('pass to whoever waited first when one is given back', () => {
    const at = setup({ perTenant: 1 });
    const first = at.ask('a');
    at.ask('b');
    at.ask('c');
    first.end();
    first.end();
    expect([...at.holding]).toEqual(['a', 'b']);
  });

  it('are asked back from the one that has been in sync the longest, after a quantum, only while somebody waits', () => {
    const at = setup({ perTenant: 2 });
    const a = at.ask('a');
    const b = at.ask('b');
    a.idle();
    at.clock.advance(1_000);
    b.idle();
    at.clock.advance(20_000);
    expect(at.yielded).toEqual([]);
    at.ask('c');
    at.clock.advance(QUANTUM);
    expect(at.yielded).toEqual(['a']);
  });

  it('are asked back from a folder that has mail all the time a quantum after it first was in sync', () => {
    const at = setup({ perTenant: 1 });
    const busy = at.ask('busy');
    at.ask('waits');
    busy.idle();
    for (let passed = 0; passed < QUANTUM; passed += 1_000) {
      at.clock.advance(1_000);
      busy.idle();
    }
    expect(at.yielded).toEqual(['busy']);
  });

  it('are left to a folder that catches up for some quanta, then asked back; not where that would not help', () => {
    const at = setup({ perTenant: 1 });
    at.ask('busy', 't1');
    at.ask('other', 't2', 'elsewhere').idle();
    at.ask('waits', 't1');
    for (let quantum = 1; quantum < 6; quantum += 1) at.clock.advance(QUANTUM);
    expect(at.yielded).toEqual([]);
    at.clock.advance(QUANTUM);
    expect(at.yielded).toEqual(['busy']);
  });

  it('that were not waited for any more are not given', () => {
    const at = setup({ perTenant: 1 });
    const first = at.ask('a');
    at.ask('b').end();
    at.ask('c');
    first.end();
    expect([...at.holding]).toEqual(['a', 'c']);
  });

  it('spread connects by how many to the same host are on their way, those that wait for a turn or merely watch not counted', () => {
    const at = setup({ perTenant: 3 });
    const a = at.ask('a');
    const b = at.ask('b');
    at.ask('elsewhere', 't2', 'other');
    expect([a.spreadMs, b.spreadMs]).toEqual([4, 4]);
    a.idle();
    a.idle();
    expect(b.spreadMs).toBe(2);
    a.end();
    b.end();
    b.end();
    const c = at.ask('c');
    const d = at.ask('d');
    const e = at.ask('e');
    const waits = at.ask('f');
    expect([waits.isWaiting, waits.spreadMs]).toEqual([true, 6]);
    for (const turn of [c, d, e]) turn.end();
    expect(waits.spreadMs).toBe(2);
  });
});

describe('folders that begin', () => {
  const many = (at: ReturnType<typeof setup>, name: string, count: number, host: string): readonly Turn[] =>
    Array.from({ length: count }, (_, n) => at.ask(`${name}${n}`, name, host));

  it('are a few at a time, first come, first served, and none is said to wait for a cap', () => {
    const at = setup({});
    const turns = many(at, 'a', 300, 'h');
    expect(at.holding.size).toBe(100);
    expect(turns.some(({ isWaiting }) => isWaiting)).toBe(false);
    turns[0]?.idle();
    turns[1]?.end();
    expect(at.holding.size).toBe(102);
    expect([...at.holding].slice(-2)).toEqual(['a100', 'a101']);
  });

  it('leave room for those of another host, and for all soon where a host does not answer', () => {
    const at = setup({});
    many(at, 'dead', 300, 'dead');
    many(at, 'other', 10, 'other');
    expect([...at.holding].filter((name) => name.startsWith('other'))).toHaveLength(10);
    at.clock.advance(2_000);
    expect([...at.holding].filter((name) => name.startsWith('dead'))).toHaveLength(200);
  });

  it('of one host hold up nobody of another, however many came before', () => {
    const at = setup({});
    const first = many(at, 'a', 300, 'a');
    many(at, 'b', 300, 'b');
    many(at, 'c', 2, 'c');
    expect(at.holding.size).toBe(160);
    for (const turn of first.slice(0, 5)) turn.idle();
    // Of a and b, which wait longer, one each and one more; and both of c.
    expect([...at.holding].slice(160).map((name) => name[0])).toEqual(['a', 'b', 'c', 'a', 'b']);
    first[5]?.end();
    expect([...at.holding].slice(165)).toEqual(['c1']);
  });

  it('ask nobody to give up a connection when they only wait to begin', () => {
    const at = setup({});
    for (const turn of many(at, 'a', 100, 'h')) turn.idle();
    many(at, 'b', 300, 'h');
    at.clock.advance(QUANTUM);
    expect(at.yielded).toEqual([]);
  });
});
