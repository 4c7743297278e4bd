import { expect, it } from 'vitest';
import { tenantId, type TenantId } from '@mailstream/shared/domain/ids';
import { FakeClock } from '@mailstream/shared/testing/fake-clock';
import { TenantTraffic } from './tenant-traffic.ts';

const tenant = (n: number): TenantId => tenantId(`00000000-0000-4000-8000-00000000000${n}`);
const A = tenant(1);
const B = tenant(2);
const C = tenant(3);

it('a tenant is alone while mail comes for nobody, or for itself only', () => {
  const traffic = new TenantTraffic(new FakeClock());
  expect(traffic.isAlone(A)).toBe(true);
  traffic.came(A);
  traffic.came(A);
  expect(traffic.isAlone(A)).toBe(true);
  expect(traffic.isAlone(B)).toBe(false);
});

it('is not while mail of another has come lately, however much of its own comes between', () => {
  const clock = new FakeClock();
  const traffic = new TenantTraffic(clock);
  traffic.came(B);
  for (let second = 0; second < 10; second += 1) {
    clock.advance(1_000);
    traffic.came(A);
  }
  expect(traffic.isAlone(A)).toBe(false);
  clock.advance(1);
  expect(traffic.isAlone(A)).toBe(true);
});

it('nor where it is one of many', () => {
  const traffic = new TenantTraffic(new FakeClock());
  for (const each of [A, B, C, C, A]) traffic.came(each);
  for (const each of [A, B, C]) expect(traffic.isAlone(each)).toBe(false);
});
