import { FakeClock } from '@mailstream/shared/testing/fake-clock';
import { expect, it } from 'vitest';
import { TrustWatch, type TrustedTerm } from './trust-watch.ts';

class Term implements TrustedTerm {
  trustAtMs: number | null = null;
  readonly looks: number[] = [];
  readonly #watch: () => TrustWatch;

  constructor(watch: () => TrustWatch) {
    this.#watch = watch;
  }

  trustUntil(atMs: number): void {
    this.trustAtMs = atMs;
    this.#watch().arm(atMs);
  }

  lookAtTrust(nowMs: number): void {
    this.trustAtMs = null;
    this.looks.push(nowMs);
  }
}

function setup(): { clock: FakeClock; watch: TrustWatch; terms: [Term, Term]; startMs: number } {
  const clock = new FakeClock();
  const terms: [Term, Term] = [new Term(() => watch), new Term(() => watch)];
  const watch: TrustWatch = new TrustWatch(clock, () => terms);
  return { clock, watch, terms, startMs: clock.monotonicMs() };
}

it('looks at each term when its time has come, and not before', () => {
  const { clock, terms, startMs } = setup();
  terms[0].trustUntil(startMs + 300);
  terms[1].trustUntil(startMs + 100);
  clock.advance(99);
  expect(terms.map(({ looks }) => looks)).toEqual([[], []]);
  clock.advance(1);
  expect(terms.map(({ looks }) => looks)).toEqual([[], [startMs + 100]]);
  clock.advance(199);
  expect(terms[0].looks).toEqual([]);
  clock.advance(1);
  expect(terms[0].looks).toEqual([startMs + 300]);
  expect(clock.pending).toBe(0);
});

it('has one timer, however many terms there are, and a renewal makes none', () => {
  const { clock, terms, startMs } = setup();
  for (const term of terms) term.trustUntil(startMs + 100);
  for (let ms = 10; ms <= 50; ms += 10) for (const term of terms) term.trustUntil(startMs + 100 + ms);
  expect(clock.pending).toBe(1);
  clock.advance(149);
  expect(terms.map(({ looks }) => looks)).toEqual([[], []]);
  clock.advance(1);
  expect(terms.map(({ looks }) => looks)).toEqual([[startMs + 150], [startMs + 150]]);
});

it('arms again what a term asks for while it is looked at', () => {
  const { clock, terms, startMs } = setup();
  const [term] = terms;
  term.lookAtTrust = (nowMs) => {
    term.looks.push(nowMs);
    if (term.looks.length === 1) term.trustUntil(nowMs + 50);
    else term.trustAtMs = null;
  };
  term.trustUntil(startMs + 100);
  clock.advance(100);
  clock.advance(50);
  expect(term.looks).toEqual([startMs + 100, startMs + 150]);
});

it('leaves no timer when it is stopped', () => {
  const { clock, watch, terms, startMs } = setup();
  terms[0].trustUntil(startMs + 100);
  watch.stop();
  expect(clock.pending).toBe(0);
  terms[1].trustUntil(startMs + 200);
  clock.advance(200);
  expect(terms[1].looks).toEqual([startMs + 200]);
});
