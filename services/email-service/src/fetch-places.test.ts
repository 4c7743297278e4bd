import { FakeClock } from '@mailstream/shared/testing/fake-clock';
import { describe, expect, it } from 'vitest';
import { FetchPlaces, type FetchPlace } from './fetch-places.ts';

function setup(limits: { all: number; perHost: number }): {
  clock: FakeClock;
  places: Map<string, FetchPlace>;
  moves: string[];
  ask(name: string, host?: string, signal?: AbortSignal): Promise<void>;
} {
  const clock = new FakeClock();
  const fetching = new FetchPlaces(clock, limits);
  const places = new Map<string, FetchPlace>();
  const moves: string[] = [];
  return {
    clock,
    places,
    moves,
    ask: async (name, host = 'h', signal = new AbortController().signal) => {
      places.set(name, await fetching.take(host, signal, () => moves.push(name)));
    },
  };
}

describe('places of runs that fetch', () => {
  it('are given in the order in which they are asked for', async () => {
    const at = setup({ all: 2, perHost: 2 });
    const asked = ['a', 'b', 'c', 'd'].map((name) => at.ask(name));
    await Promise.all(asked.slice(0, 2));
    expect([...at.places.keys()]).toEqual(['a', 'b']);
    at.places.get('b')?.end();
    at.places.get('b')?.end();
    await asked[2];
    expect([...at.places.keys()]).toEqual(['a', 'b', 'c']);
    expect(at.moves).toEqual(['d']);
  });

  it('of one mail server leave room for another', async () => {
    const at = setup({ all: 4, perHost: 2 });
    for (const name of ['a', 'b', 'c']) void at.ask(name, 'Slow.example');
    await at.ask('d', 'quick.example');
    expect([...at.places.keys()]).toEqual(['a', 'b', 'd']);
  });

  it('are lent on after two seconds in which the mail server sent nothing', async () => {
    const at = setup({ all: 2, perHost: 2 });
    await at.ask('silent');
    await at.ask('slow but alive');
    const asked = [at.ask('next'), at.ask('last')];
    at.clock.advance(1_500);
    at.places.get('slow but alive')?.waits();
    at.clock.advance(1_500);
    await asked[0];
    expect([...at.places.keys()]).toEqual(['silent', 'slow but alive', 'next']);
    // It was given back already: its end lets nobody in.
    at.places.get('silent')?.end();
    at.clock.advance(100);
    expect(at.places.has('last')).toBe(false);
    at.places.get('next')?.end();
    await asked[1];
  });

  it('are kept while it is our own work that takes time', async () => {
    const at = setup({ all: 1, perHost: 1 });
    await at.ask('parses');
    at.places.get('parses')?.works();
    const next = at.ask('next');
    at.clock.advance(60_000);
    expect(at.places.has('next')).toBe(false);
    at.places.get('parses')?.end();
    await next;
  });

  it('are not given to a run that was stopped meanwhile', async () => {
    const at = setup({ all: 1, perHost: 1 });
    await at.ask('a');
    const stop = new AbortController();
    const stopped = at.ask('stopped', 'h', stop.signal);
    const next = at.ask('next');
    stop.abort(new Error('stopped'));
    await expect(stopped).rejects.toThrow('stopped');
    at.places.get('a')?.end();
    await next;
    await expect(at.ask('late', 'h', stop.signal)).rejects.toThrow('stopped');
  });
});
