import { expect, it } from 'vitest';
import { closestForm } from './closest-form.ts';

const issue = (code: string, ...path: readonly string[]) => ({ code, path });

it.each([
  ['the form whose keys it has', [[issue('unrecognized_keys')], [issue('too_small', 'value')]], 1],
  ['the form of its kind', [[issue('invalid_value', 'field')], [issue('a', 'x'), issue('b', 'y')]], 1],
  [
    'the form of another kind before one of other keys',
    [[issue('unrecognized_keys')], [issue('invalid_value', 'field'), issue('a', 'x')]],
    1,
  ],
  [
    'the nearest where none is its own',
    [[issue('invalid_value', 'kind'), issue('a', 'x')], [issue('invalid_value', 'kind')]],
    1,
  ],
])('what fits no form was meant as %s', (_, forms, expected) => {
  expect(closestForm(forms)).toBe(forms[expected]);
});

it('has no issues where there are no forms', () => {
  expect(closestForm([])).toEqual([]);
});
