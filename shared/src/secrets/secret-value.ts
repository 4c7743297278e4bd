import { inspect } from 'node:util';

const HIDDEN = '[secret]';

/**
 * A password or token on its way through the program. Its text form is `[secret]` wherever text is made of it: template
 * strings, JSON, `util.inspect`, logs; a copy by spread, `structuredClone` or `Object.entries` is empty.
 */
export class SecretValue {
  readonly #value: string;

  constructor(value: string) {
    this.#value = value;
  }

  /** The clear text. Call it at the last moment, at the wire, and keep the result in no field. */
  reveal(): string {
    return this.#value;
  }

  equals(other: SecretValue): boolean {
    return this.#value === other.#value;
  }

  toString(): string {
    return HIDDEN;
  }

  toJSON(): string {
    return HIDDEN;
  }

  [Symbol.toPrimitive](): string {
    return HIDDEN;
  }

  [inspect.custom](): string {
    return HIDDEN;
  }
}
